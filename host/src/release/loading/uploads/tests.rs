use super::*;

#[test]
fn the_oldest_uploads_make_room() {
    let uploads = Uploads::default();
    let digest = |number: usize| Digest::of(&number.to_be_bytes());
    for number in 0..=UPLOADS_MAX {
        uploads.add(digest(number), Bytes::from_static(b"x"));
    }
    assert_eq!(uploads.get(&digest(0)), None);
    assert!(uploads.get(&digest(1)).is_some());
    uploads.add(digest(1), Bytes::from(vec![0; UPLOAD_BYTES_MAX + 1]));
    assert!(uploads.get(&digest(1)).is_some(), "one may be as large as it is");
    assert_eq!(uploads.lock().len(), 1);
}
