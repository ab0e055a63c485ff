//! The coordinator's answers to a worker, one after another, as the agent's reactor hears them.

use std::time::Duration;

use basin_proto::v1;
use basin_worker::agent::reactor::{BootInstant, Effect, Message, Reactor, ReactorSettings};
use basin_worker::fuzzing::sync_reply;
use prost::Message as _;

use crate::parts;

const SETTINGS: ReactorSettings = ReactorSettings {
    slots: 2,
    threads: 2,
    pack: 4,
    checkpoint_every: Duration::from_secs(60),
    idle_exit: Some(Duration::from_secs(600)),
    walltime: Some(Duration::from_secs(86_400)),
    grace: Duration::from_secs(30),
    token_grace: Duration::from_secs(60),
};

pub(super) fn read(input: &[u8]) -> bool {
    let mut now = BootInstant::since_boot(Duration::from_secs(1));
    let mut reactor = Reactor::new(SETTINGS, now);
    let mut effects = reactor.handle(Message::Timer, now);
    let mut understood = false;
    for part in parts(input).take(16) {
        let Ok(reply) = v1::SyncReply::decode(part) else { continue };
        let (_, reply) = sync_reply(reply);
        understood = true;
        let asked = effects.iter().find_map(|effect| match effect {
            Effect::Sync { call, .. } => Some(*call),
            _ => None,
        });
        now = now + Duration::from_millis(500);
        if let Some(call) = asked {
            effects = reactor.handle(Message::SyncAnswered { call, reply }, now);
        }
        now = now + Duration::from_secs(3);
        effects.extend(reactor.handle(Message::Timer, now));
    }
    understood
}
