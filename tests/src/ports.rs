//! Ports of the loopback.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range from which the system hands out ports of its own: such a one stays free while its owner is dead.
const PORTS: std::ops::Range<u16> = 10_000..17_000;

/// An address that nobody listens on, and that nobody else of this process is given.
pub fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = std::process::id() % 700 * 10;
    loop {
        let place =
            (first + u32::from(NEXT.fetch_add(1, Ordering::SeqCst))) % u32::from(PORTS.end - PORTS.start);
        let port = PORTS.start + u16::try_from(place).expect("it is below 7,000");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
