//! Messages on a pipe: four bytes of length, big-endian, then protobuf.

use std::io::{self, Read, Write};

use prost::Message;

/// The greatest message on a pipe, in bytes: larger things are files.
pub(crate) const FRAME_LIMIT: usize = 16 << 20;

/// Writes one message and flushes.
pub(crate) fn write(output: &mut impl Write, message: &impl Message) -> io::Result<()> {
    let body = message.encode_to_vec();
    let length =
        u32::try_from(body.len()).map_err(|_| io::Error::other("a message is too long for its pipe"))?;
    output.write_all(&length.to_be_bytes())?;
    output.write_all(&body)?;
    output.flush()
}

/// Reads one message; none at the end of the stream.
pub(crate) fn read<M: Message + Default>(input: &mut impl Read) -> io::Result<Option<M>> {
    let mut length = [0; 4];
    match input.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = u32::from_be_bytes(length) as usize;
    if length > FRAME_LIMIT {
        return Err(io::Error::other(format!("a message of {length} bytes exceeds {FRAME_LIMIT}")));
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body)?;
    M::decode(body.as_slice()).map(Some).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use basin_proto::executor::Stopped;
    use basin_proto::v1::Progress;

    use super::*;

    #[test]
    fn messages_survive_the_pipe_in_order() {
        let mut pipe = Vec::new();
        let first = Progress { iteration: 7, loss: Some(f64::NAN), ..Progress::default() };
        write(&mut pipe, &first).unwrap();
        write(&mut pipe, &Stopped {}).unwrap();
        let mut input = pipe.as_slice();
        assert_eq!(read::<Progress>(&mut input).unwrap().unwrap().iteration, 7);
        assert_eq!(read::<Stopped>(&mut input).unwrap(), Some(Stopped {}));
        assert_eq!(read::<Stopped>(&mut input).unwrap(), None);
    }

    #[test]
    fn a_length_without_measure_is_refused_before_memory_is_taken() {
        let mut input: &[u8] = &[0xff, 0xff, 0xff, 0xff, 0];
        assert!(read::<Stopped>(&mut input).is_err());
    }
}
