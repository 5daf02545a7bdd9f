//! The server's end of the control socket.

use std::{
    path::PathBuf,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use millpond_engine_local::{
    LocalEngine,
    backup::{BackupError, Manifest, Options},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Semaphore, mpsc},
    task::JoinError,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, info, warn};

use super::protocol::{Answer, Done, LINE_BYTES_MAX, Request};

/// Connections at the same time; one works, the others are told so.
const CONNECTIONS_MAX: usize = 8;
/// How long a request may take to arrive.
const REQUEST_TIME: Duration = Duration::from_secs(10);
/// How long to wait after the system refused a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// Takes connections until it is told to stop.
pub(super) async fn serve(
    listener: UnixListener,
    engine: Weak<LocalEngine>,
    token: CancellationToken,
    tasks: TaskTracker,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = tokio::select! {
            () = token.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                // Whoever comes when all are taken is let go without an answer.
                let Ok(place) = Arc::clone(&room).try_acquire_owned() else { continue };
                let (engine, token) = (Weak::clone(&engine), token.clone());
                tasks.spawn(async move {
                    if let Err(error) = connection(stream, engine, token).await {
                        debug!(%error, "a connection to the control socket ended early");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                warn!(%error, "the control socket could not take a connection");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn connection(
    stream: UnixStream,
    engine: Weak<LocalEngine>,
    token: CancellationToken,
) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    let mut line = String::new();
    let mut limited = (&mut read).take(LINE_BYTES_MAX);
    let Ok(arrived) = timeout(REQUEST_TIME, limited.read_line(&mut line)).await else { return Ok(()) };
    arrived?;
    let answer = match (serde_json::from_str::<Request>(&line), engine.upgrade()) {
        (Err(e), _) => Answer::Error { error: format!("not a request: {e}"), damaged: false },
        (Ok(_), None) => Answer::Error { error: "the server stops".to_owned(), damaged: false },
        (Ok(Request::Backup { to, with_credentials }), Some(engine)) => {
            backup(engine, to, with_credentials, &token, (&mut read, &mut write)).await?
        }
    };
    write.write_all(answer.line().as_bytes()).await
}

async fn backup(
    engine: Arc<LocalEngine>,
    to: PathBuf,
    with_credentials: bool,
    token: &CancellationToken,
    (read, write): (&mut BufReader<OwnedReadHalf>, &mut OwnedWriteHalf),
) -> std::io::Result<Answer> {
    if !to.is_absolute() {
        return Ok(Answer::Error { error: "the path must be absolute".to_owned(), damaged: false });
    }
    info!(to = %to.display(), "backup begun");
    let cancel = Arc::new(AtomicBool::new(false));
    let (tell, mut told) = mpsc::channel(1);
    let mut work = tokio::task::spawn_blocking({
        let (cancel, to) = (Arc::clone(&cancel), to.clone());
        move || {
            let created = crate::operate::now().to_string();
            let options = Options {
                version: env!("CARGO_PKG_VERSION"),
                created: &created,
                with_credentials,
                cancel: &cancel,
            };
            // What nobody had time to hear is overtaken by what comes next.
            engine.backup(&to, options, &mut |progress| {
                let _overtaken = tell.try_send(progress);
            })
        }
    });
    let made = loop {
        let mut byte = [0];
        let heard = tokio::select! {
            made = &mut work => break made,
            Some(progress) = told.recv() => {
                write.write_all(Answer::Progress { progress: progress.into() }.line().as_bytes()).await.is_ok()
            }
            gone = read.read(&mut byte) => matches!(gone, Ok(n) if n > 0),
            () = token.cancelled() => false,
        };
        if !heard {
            cancel.store(true, Ordering::Release);
            break work.await;
        }
    };
    Ok(answer(&to, made))
}

fn answer(to: &std::path::Path, made: Result<Result<Manifest, BackupError>, JoinError>) -> Answer {
    match made {
        Ok(Ok(manifest)) => {
            let (bytes, records) = (manifest.bytes(), manifest.records);
            info!(to = %to.display(), bytes, records, "backup made");
            Answer::Done { done: Done::from(&manifest) }
        }
        Ok(Err(error)) => {
            warn!(error = &error as &dyn std::error::Error, to = %to.display(), "no backup was made");
            Answer::refusal(&error)
        }
        Err(_) => Answer::Error { error: "the backup was interrupted".to_owned(), damaged: false },
    }
}
