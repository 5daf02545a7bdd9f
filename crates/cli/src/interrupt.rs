//! Ctrl-C and SIGTERM: the first asks to finish, the second ends at once.

use tokio::{signal, sync::watch};

use crate::{exit::Exit, failure::Failure};

/// Told when the user wants to stop.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Takes the signals over for the rest of the process.
    ///
    /// # Errors
    /// The system does not let it.
    pub(crate) fn take_over() -> Result<Self, Failure> {
        let cannot = |error| Failure::io("cannot handle signals", &error);
        let mut terminate = signal::unix::signal(signal::unix::SignalKind::terminate()).map_err(cannot)?;
        let mut interrupt = signal::unix::signal(signal::unix::SignalKind::interrupt()).map_err(cannot)?;
        let (sender, receiver) = watch::channel(false);
        tokio::spawn(async move {
            for last in [false, true] {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                if last {
                    std::process::exit(Exit::Interrupted as i32);
                }
                sender.send_replace(true);
            }
        });
        Ok(Self(receiver))
    }

    /// Whether it came.
    pub(crate) fn came(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it comes.
    pub(crate) async fn wait(&mut self) {
        if self.0.wait_for(|came| *came).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
