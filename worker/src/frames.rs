//! Messages on a pipe: four bytes of length, big-endian, then protobuf.

use std::io::{self, Read, Write};

use prost::Message;

/// The greatest message on a pipe, in bytes: larger things are files.
pub(crate) const FRAME_LIMIT: usize = 16 << 20;

/// Writes one message and flushes.
pub(crate) fn write(output: &mut impl Write, message: &impl Message) -> io::Result<()> {
    let body = message.encode_to_vec();
    // Whoever reads it would take it for nonsense, and this process for one that is broken.
    let length = u32::try_from(body.len()).ok().filter(|_| body.len() <= FRAME_LIMIT);
    let length = length.ok_or_else(|| io::Error::other("a message is too long for its pipe"))?;
    output.write_all(&length.to_be_bytes())?;
    output.write_all(&body)?;
    output.flush()
}

/// Reads one message; none at the end of the stream.
pub(crate) fn read<M: Message + Default>(input: &mut impl Read) -> io::Result<Option<M>> {
    let mut first = Vec::with_capacity(1);
    if input.by_ref().take(1).read_to_end(&mut first)? == 0 {
        return Ok(None);
    }
    let mut length = [first[0], 0, 0, 0];
    input.read_exact(&mut length[1..])?;
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

    /// A frame whose length says this, over these bytes.
    fn frame(length: u32, body: &[u8]) -> Vec<u8> {
        [&length.to_be_bytes()[..], body].concat()
    }

    #[test]
    fn half_a_message_is_no_end_of_the_stream() {
        let whole = frame(2, &[8, 7]);
        assert_eq!(read::<Progress>(&mut whole.as_slice()).unwrap().unwrap().iteration, 7);
        for cut in 1..whole.len() {
            let error = read::<Progress>(&mut &whole[..cut]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{cut}");
        }
    }

    #[test]
    fn bytes_that_are_no_message_are_refused_and_an_empty_message_is_one() {
        // A field of the wire type 7, a text that is cut off, and a number without end.
        for body in [&[0x3f][..], &[0x22, 9, b'a'], &[8, 0xff, 0xff]] {
            let length = u32::try_from(body.len()).unwrap();
            assert!(read::<Progress>(&mut frame(length, body).as_slice()).is_err(), "{body:?}");
        }
        assert_eq!(read::<Progress>(&mut frame(0, &[]).as_slice()).unwrap(), Some(Progress::default()));
    }

    #[test]
    fn a_message_that_nobody_would_read_is_not_written() {
        let of = |bytes: usize| basin_proto::executor::Hindered { why: "x".repeat(bytes) };
        let mut pipe = Vec::new();
        assert!(write(&mut pipe, &of(FRAME_LIMIT)).is_err());
        assert_eq!(pipe.len(), 0, "not even its length");
        // The text's own key and length are five bytes.
        let longest = of(FRAME_LIMIT - 5);
        write(&mut pipe, &longest).unwrap();
        assert_eq!(read(&mut pipe.as_slice()).unwrap(), Some(longest));
    }

    #[test]
    fn a_pipe_that_is_closed_is_an_error_of_the_writer() {
        let (reader, mut writer) = io::pipe().unwrap();
        drop(reader);
        assert_eq!(write(&mut writer, &Stopped {}).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
