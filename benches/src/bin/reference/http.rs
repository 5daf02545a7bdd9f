//! Servers that do less than ours.

use std::{
    convert::Infallible,
    future::Future,
    io,
    path::Path,
    sync::{Arc, Mutex, mpsc},
    thread,
};

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use millpond_seglog::{
    disk::{Disk, RealDisk},
    journal::{AppendError, Journal, JournalSettings, Stamp},
};
use tokio::{net::TcpListener, runtime::Builder, sync::oneshot};

/// Bytes of one group, unless one body is longer: as in the engine.
const GROUP_BYTES_MAX: usize = 8 << 20;

/// Bodies that may wait for the journal.
const WAITING_MAX: usize = 4096;

type Answer = Response<Full<Bytes>>;

pub(crate) fn bare() -> anyhow::Result<()> {
    serve(async |request| match request.into_body().collect().await {
        Ok(_) => answer(StatusCode::CREATED, Bytes::new()),
        Err(_) => answer(StatusCode::BAD_REQUEST, Bytes::new()),
    })
}

pub(crate) fn static_body(bytes: usize) -> anyhow::Result<()> {
    let body = Bytes::from(vec![b'x'; bytes]);
    serve(move |_| {
        let body = body.clone();
        async { answer(StatusCode::OK, body) }
    })
}

/// A body that waits for the journal, and who is told when it is durable.
type Waiting = (Bytes, oneshot::Sender<bool>);

pub(crate) fn sync_only(dir: &Path) -> anyhow::Result<()> {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let journal = Journal::create(&disk, dir, 1, JournalSettings::default(), stamp())?;
    let (sender, receiver) = mpsc::sync_channel::<Waiting>(WAITING_MAX);
    thread::Builder::new().name("committer".to_owned()).spawn(move || commit(journal, &receiver))?;
    serve(move |request| {
        let sender = sender.clone();
        async move {
            let Ok(body) = request.into_body().collect().await else {
                return answer(StatusCode::BAD_REQUEST, Bytes::new());
            };
            let (done, durable) = oneshot::channel();
            let taken = sender.try_send((body.to_bytes(), done)).is_ok();
            let stored = taken && durable.await.unwrap_or(false);
            answer(if stored { StatusCode::CREATED } else { StatusCode::INTERNAL_SERVER_ERROR }, Bytes::new())
        }
    })
}

/// Takes all that waits as one group, with one write and one sync. Files are made ready by another thread
/// and are free as soon as they are full: nothing of this is ever read.
fn commit(journal: Journal, receiver: &mpsc::Receiver<Waiting>) {
    let journal = Arc::new(Mutex::new(journal));
    while let Ok(first) = receiver.recv() {
        let mut bytes = first.0.len();
        let mut group = vec![first];
        while bytes < GROUP_BYTES_MAX {
            let Ok(next) = receiver.try_recv() else { break };
            bytes += next.0.len();
            group.push(next);
        }
        let frames: Vec<(u8, &[u8])> = group.iter().map(|(body, _)| (1, &body[..])).collect();
        let mut log = journal.lock().expect("nobody panics with the lock");
        let appended = match log.append(&frames, stamp()) {
            Err(AppendError::Full) => {
                let mark = log.mark();
                log.release(&mark);
                log.append(&frames, stamp())
            }
            other => other,
        };
        let mark = log.mark();
        log.release(&mark);
        let preparation = log.prepare(stamp());
        drop(log);
        drop(frames);
        for (_, done) in group {
            // Whoever went away needs no answer.
            let _gone = done.send(appended.is_ok());
        }
        if let Some(preparation) = preparation {
            let journal = Arc::clone(&journal);
            thread::spawn(move || {
                let slot = preparation.slot();
                let prepared = preparation.run();
                let mut log = journal.lock().expect("nobody panics with the lock");
                match prepared {
                    Ok(prepared) => log.add(prepared),
                    Err(_) => log.preparation_failed(slot),
                }
            });
        }
    }
}

/// Salts only have to differ from one use of a file to the next.
fn stamp() -> Stamp {
    use std::hash::{BuildHasher as _, RandomState};
    Stamp { salt: RandomState::new().hash_one(0), now_ms: 0 }
}

fn answer(status: StatusCode, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    answer
}

fn serve<F, A>(handle: F) -> anyhow::Result<()>
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    A: Future<Output = Answer> + Send + 'static,
{
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("cannot listen")?;
        ready(listener.local_addr()?.port())?;
        loop {
            let (socket, _) = listener.accept().await?;
            socket.set_nodelay(true)?;
            let handle = handle.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let answer = handle(request);
                    async { Ok::<_, Infallible>(answer.await) }
                });
                let mut connection = http1::Builder::new();
                connection.timer(TokioTimer::new());
                // A client that went away is its own affair.
                drop(connection.serve_connection(TokioIo::new(socket), service).await);
            });
        }
    })
}

#[expect(clippy::print_stdout, reason = "the one who called waits for this line")]
fn ready(port: u16) -> io::Result<()> {
    println!("port {port}");
    io::Write::flush(&mut io::stdout())
}
