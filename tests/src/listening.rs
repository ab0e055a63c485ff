//! A port that is listened on until it isn't.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A port with a thread for each of its connections.
#[derive(Debug)]
pub(crate) struct Listening {
    address: SocketAddr,
    ends: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<()>,
}

impl Listening {
    /// Listens from now on. `converse` also gets whether that has ended.
    #[track_caller]
    pub(crate) fn on(
        address: SocketAddr,
        converse: impl Fn(TcpStream, &AtomicBool) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).expect("the port is ours");
        let ends = Arc::new(AtomicBool::new(false));
        let (ended, converse) = (Arc::clone(&ends), Arc::new(converse));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let (converse, ended) = (Arc::clone(&converse), Arc::clone(&ended));
                std::thread::spawn(move || converse(stream, &ended));
            }
        });
        Self { address, ends, thread }
    }

    /// From now on connections are refused.
    pub(crate) fn end(self) {
        self.ends.store(true, Ordering::SeqCst);
        // It waits for a connection.
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.join();
    }
}
