//! Running a load.

use std::{
    cell::RefCell,
    io,
    rc::Rc,
    sync::{Arc, atomic::Ordering},
    thread,
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Builder,
    task::LocalSet,
    time::timeout,
};

use crate::{Moment, Plan, Report, Step, Talk, Tally, Verdict, Violation, pace::Appointments};

/// How long answers may take to come in after the end.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes that are read at once.
const READ_BYTES: usize = 64 * 1024;

/// A load did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Nobody answers at the address.
    #[error("cannot connect")]
    Connect(#[source] io::Error),
    /// A connection broke.
    #[error("a connection broke while a request was under way")]
    Broken(#[source] io::Error),
    /// The answer is not of the protocol.
    #[error("an answer cannot be understood: {0}")]
    Violation(#[from] Violation),
    /// Answers did not come.
    #[error("there was no answer within {} s after the end", PATIENCE.as_secs())]
    Silent,
    /// The system refused a thread or a runtime.
    #[error("cannot start")]
    System(#[source] io::Error),
}

/// Runs the plan with one connection for each talk, and blocks until the end.
///
/// # Errors
/// See [`LoadError`]. Requests that are refused are no errors but counted.
pub fn run(plan: &Plan, talks: Vec<Box<dyn Talk>>) -> Result<Report, LoadError> {
    let start = Moment::now();
    let from = start.plus(plan.warmup);
    let until = from.plus(plan.duration);
    let appointments = Arc::new(Appointments::new(plan.pace, start, until));
    let threads = plan.threads.clamp(1, talks.len().max(1));
    let mut shares: Vec<Vec<Box<dyn Talk>>> = (0..threads).map(|_| Vec::new()).collect();
    for (index, talk) in talks.into_iter().enumerate() {
        if let Some(share) = shares.get_mut(index % threads) {
            share.push(talk);
        }
    }
    let mut sum = Tally::new(from, until);
    let mut failure = None;
    thread::scope(|scope| {
        scope.spawn(|| appointments.keep());
        let workers: Vec<_> = shares
            .into_iter()
            .map(|share| scope.spawn(|| worker(plan, &appointments, Tally::new(from, until), share)))
            .collect();
        for worker in workers {
            match worker.join().expect("a worker does not panic") {
                Ok(counted) => sum.add(counted),
                Err(error) => failure = failure.take().or(Some(error)),
            }
        }
    });
    failure.map_or(Ok(()), Err)?;
    Ok(sum.report(Moment::now(), appointments.missed()))
}

/// Runs some of the connections on this thread.
fn worker(
    plan: &Plan,
    appointments: &Arc<Appointments>,
    counted: Tally,
    talks: Vec<Box<dyn Talk>>,
) -> Result<Tally, LoadError> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(LoadError::System)?;
    let counted = Rc::new(RefCell::new(counted));
    let connections = async {
        let local = LocalSet::new();
        let spawned: Vec<_> = talks
            .into_iter()
            .map(|talk| {
                let (plan, appointments, counted) =
                    (plan.clone(), Arc::clone(appointments), Rc::clone(&counted));
                local.spawn_local(async move { connection(&plan, &appointments, &counted, talk).await })
            })
            .collect();
        local
            .run_until(async move {
                for task in spawned {
                    task.await.expect("a connection does not panic")?;
                }
                Ok::<(), LoadError>(())
            })
            .await
    };
    let ended =
        runtime.block_on(async { timeout(plan.warmup + plan.duration + PATIENCE, connections).await });
    ended.map_err(|_| LoadError::Silent)??;
    let counted = Rc::into_inner(counted).expect("all connections have ended");
    Ok(counted.into_inner())
}

async fn connection(
    plan: &Plan,
    appointments: &Appointments,
    counted: &RefCell<Tally>,
    mut talk: Box<dyn Talk>,
) -> Result<(), LoadError> {
    let mut buffer = vec![0; READ_BYTES];
    let mut socket = connect(plan, &mut *talk, &mut buffer).await?;
    while let Some(due) = appointments.next().await {
        let Some(request) = talk.request() else { break };
        let (verdict, close) = exchange(&mut socket, &mut *talk, request, &mut buffer).await?;
        counted.borrow_mut().count(due, Moment::now(), verdict);
        plan.progress.fetch_add(1, Ordering::Relaxed);
        if close {
            socket = connect(plan, &mut *talk, &mut buffer).await?;
        }
    }
    Ok(())
}

async fn connect(plan: &Plan, talk: &mut dyn Talk, buffer: &mut [u8]) -> Result<TcpStream, LoadError> {
    let mut socket = TcpStream::connect(plan.address).await.map_err(LoadError::Connect)?;
    socket.set_nodelay(true).map_err(LoadError::Connect)?;
    let greeting = talk.greeting();
    if !greeting.is_empty() {
        exchange(&mut socket, talk, greeting, buffer).await?;
    }
    Ok(socket)
}

async fn exchange(
    socket: &mut TcpStream,
    talk: &mut dyn Talk,
    request: Bytes,
    buffer: &mut [u8],
) -> Result<(Verdict, bool), LoadError> {
    socket.write_all(&request).await.map_err(LoadError::Broken)?;
    loop {
        let received = socket.read(buffer).await.map_err(LoadError::Broken)?;
        if received == 0 {
            return Err(LoadError::Broken(io::ErrorKind::UnexpectedEof.into()));
        }
        match talk.answer(buffer.get(..received).unwrap_or_default())? {
            Step::More => {}
            Step::Again(request) => socket.write_all(&request).await.map_err(LoadError::Broken)?,
            Step::Done { verdict, close } => return Ok((verdict, close)),
        }
    }
}

#[cfg(test)]
mod tests;
