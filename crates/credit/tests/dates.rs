//! Cut-off dates.

/// Months after it must be dates, too.
#[test]
fn cut_off_dates_leave_room_for_all_months() {
    use credit::pool::tape::CutOff;
    assert!(CutOff::try_from("2999-12-31".to_string()).is_ok());
    for text in ["9999-12-15", "3000-01-01", "1899-12-31"] {
        assert!(CutOff::try_from(text.to_string()).is_err(), "{text}");
    }
}
