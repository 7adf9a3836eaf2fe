//! What a dishonest venue would try, and one broken constraint at a time.
