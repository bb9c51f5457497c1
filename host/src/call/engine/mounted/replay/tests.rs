use std::convert::Infallible;

use futures::StreamExt as _;
use http_body_util::{BodyExt as _, StreamBody};

use super::*;

type Frames = Vec<Result<Frame<Bytes>, RequestBodyError>>;

fn body(frames: Frames) -> Replay<impl Body<Data = Bytes, Error = RequestBodyError>> {
    Replay::new(StreamBody::new(futures::stream::iter(frames)))
}

fn data(text: &'static [u8]) -> Result<Frame<Bytes>, RequestBodyError> {
    Ok(Frame::data(Bytes::from_static(text)))
}

#[tokio::test]
async fn each_run_gets_the_whole_body_however_far_the_earlier_one_read() {
    for read in 0..=3 {
        let replay = body(vec![data(b"one "), data(b"two "), data(b"three")]);
        let mut first = replay.next_run();
        for _ in 0..read {
            first.frame().await.expect("there is one").expect("it is whole");
        }
        assert!(replay.can_repeat());
        let second = replay.next_run();
        assert!(first.frame().await.expect("an end").is_err(), "the earlier run gets no more");
        assert_eq!(second.collect().await.expect("it is whole").to_bytes(), "one two three", "{read}");
    }
}

#[tokio::test]
async fn a_large_body_is_not_kept() {
    let piece = Bytes::from(vec![0; REPLAYED_BODY_BYTES_MAX / 2 + 1]);
    let pieces = [piece.clone(), piece.clone(), piece].map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
    let replay = Replay::new(StreamBody::new(futures::stream::iter(pieces).boxed()));
    let mut run = replay.next_run();
    run.frame().await.expect("there is one").expect("it is whole");
    assert!(replay.can_repeat());
    let rest = run.collect().await.expect("it is whole").to_bytes();
    assert_eq!((rest.len(), replay.can_repeat()), (REPLAYED_BODY_BYTES_MAX + 2, false));
}

#[tokio::test]
async fn a_body_over_its_limit_is_known_and_not_repeated() {
    let replay = body(vec![data(b"one"), Err(RequestBodyError::TooLarge { bytes_max: 3 })]);
    let mut run = replay.next_run();
    run.frame().await.expect("there is one").expect("it is whole");
    assert_eq!(replay.bytes_max_exceeded(), None);
    assert!(run.frame().await.expect("an error").is_err());
    assert_eq!((replay.bytes_max_exceeded(), replay.can_repeat()), (Some(3), false));
    assert!(run.frame().await.is_none());
}
