//! Tests of the public side over real sockets.
