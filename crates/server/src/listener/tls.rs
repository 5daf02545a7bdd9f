//! HTTPS: certificates that can be replaced while the server runs.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use rustls::{ServerConfig, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// Why HTTPS cannot be offered.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is missing or is not PEM.
    #[error("{} holds no {what} in PEM form", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// `certificate` or `private key`.
        what: &'static str,
        /// Why.
        #[source]
        source: rustls_pki_types::pem::Error,
    },
    /// Certificate and key do not belong together, or are of an unsupported kind.
    #[error("the certificate {} and its key cannot be used", certificate.display())]
    Unusable {
        /// The certificate's file.
        certificate: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
}

/// The certificate in force. New connections take the newest one, open ones keep theirs.
pub struct TlsSource {
    certificate: PathBuf,
    private_key: PathBuf,
    current: ArcSwap<ServerConfig>,
}

impl TlsSource {
    /// Reads certificate chain and key.
    ///
    /// # Errors
    /// A file is not PEM, or the two do not belong together.
    pub fn load(certificate: &Path, private_key: &Path) -> Result<Self, TlsError> {
        Ok(Self {
            certificate: certificate.into(),
            private_key: private_key.into(),
            current: ArcSwap::new(read(certificate, private_key)?),
        })
    }

    /// Reads the files again; on an error the certificate in force stays.
    ///
    /// # Errors
    /// As for [`TlsSource::load`].
    pub fn reload(&self) -> Result<(), TlsError> {
        self.current.store(read(&self.certificate, &self.private_key)?);
        Ok(())
    }
}

fn read(certificate: &Path, private_key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let not_pem = |path: &Path, what| {
        let path = path.to_owned();
        move |source| TlsError::Pem { path, what, source }
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(not_pem(certificate, "certificate"))?;
    let key = PrivateKeyDer::from_pem_file(private_key).map_err(not_pem(private_key, "private key"))?;
    let unusable = |source| TlsError::Unusable { certificate: certificate.into(), source };
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The handshake of one connection.
pub(super) async fn handshake<I>(source: &TlsSource, io: I, patience: Duration) -> io::Result<TlsStream<I>>
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    timeout(patience, TlsAcceptor::from(source.current.load_full()).accept(io))
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
