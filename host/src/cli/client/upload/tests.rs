use http_body_util::BodyExt as _;

use super::*;

#[tokio::test]
async fn an_upload_goes_in_pieces_and_is_whole_and_counted() {
    for length in [0, 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES + 7] {
        let content: Bytes = (0..length).map(|index| u8::try_from(index % 251).expect("small")).collect();
        let progress = Progress::hidden();
        let mut upload = Upload::new(content.clone(), progress.clone());
        let mut whole = Vec::new();
        while let Some(Ok(frame)) = upload.frame().await {
            let left = upload.size_hint().exact().expect("a length");
            let piece = frame.into_data().expect("data");
            assert!(piece.len() <= PIECE_BYTES);
            whole.extend(piece);
            assert_eq!(u64::try_from(whole.len()).expect("small") + left, u64::try_from(length).expect("small"));
        }
        assert_eq!((whole, progress.position()), (content.to_vec(), u64::try_from(length).expect("small")));
        assert!(upload.is_end_stream());
    }
}
