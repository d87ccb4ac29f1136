//! Use cases about people.

mod email;
mod password;
mod profile;
mod sign_in;
mod sign_up;

pub use email::{
    Confirmation, ask_for_change, cancel_change, confirm_email, confirmable, send_confirmation,
};
pub use password::{change_password, request_reset, reset_password, resettable};
pub use profile::{ProfileProblem, end_other_sessions, end_session_of, save_profile};
pub use sign_in::{
    SignInOutcome, check_password, current, device_cookie, is_known_device, note_sign_in,
    note_sign_out, sign_in, start_session,
};
pub use sign_up::{create_user, free_handle, set_up, setup_is_open, setup_token, sign_up};
