//! Use cases about people.

mod email;
mod password;
mod profile;
mod second_step;
mod sign_in;
mod sign_up;
mod two_factor;

pub use email::{
    Confirmation, ask_for_change, cancel_change, confirm_email, confirmable, send_confirmation,
};
pub use password::{change_password, request_reset, reset_password, resettable};
pub use profile::{NewProfile, ProfileProblem, end_other_sessions, end_session_of, save_profile};
pub use second_step::{
    Arrival, SecondStep, SecondStepOutcome, ask_second_step, finish_second_step, no_second_step,
    second_step,
};
pub use sign_in::{
    SignInOutcome, check_password, current, device_cookie, is_known_device, note_sign_in,
    note_sign_out, sign_in, start_session, step_up,
};
pub use sign_up::{
    create_user, free_handle, is_first_run, set_up, setup_is_open, setup_token, sign_up,
};
pub use two_factor::{
    Setup, begin_setup, remove_two_factor, reseal_some, resume_setup, rotate_recovery_codes,
    turn_off, turn_on,
};
