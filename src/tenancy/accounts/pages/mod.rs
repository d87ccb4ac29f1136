//! Pages about people.

mod enter;
mod password;
mod profile;
mod second_step;
mod security;
mod two_factor;
mod verify;

use actix_web::web::ServiceConfig;

use crate::base::http::routes::resource;
use crate::urls;

/// The routes of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource(urls::home()).get(enter::home))
        .service(resource(urls::setup()).get(enter::show_setup).post(enter::set_up))
        .service(resource(urls::sign_up()).get(enter::show_sign_up).post(enter::sign_up))
        .service(resource(urls::sign_in()).get(enter::show_sign_in).post(enter::sign_in))
        .service(resource(urls::second_step()).get(second_step::show).post(second_step::act))
        .service(resource(urls::sign_out()).post(enter::sign_out))
        .service(resource(urls::confirm_access()).get(enter::show_confirm).post(enter::confirm))
        .service(
            resource(urls::forgot_password()).get(password::show_forgot).post(password::forgot),
        )
        .service(
            resource("/reset-password/{token}").get(password::show_reset).post(password::reset),
        )
        .service(resource(urls::verify_email_needed()).get(verify::show_needed).post(verify::send))
        .service(resource("/verify-email/{token}").get(verify::show).post(verify::confirm))
        .service(resource(urls::profile()).get(profile::show).post(profile::save))
        .service(
            resource(urls::profile_email()).get(profile::show_email).post(profile::change_email),
        )
        .service(resource(urls::profile_email_cancel()).post(profile::cancel_email))
        .service(
            resource(urls::profile_security()).get(security::show).post(security::change_password),
        )
        .service(resource(urls::two_factor()).get(two_factor::show).post(two_factor::turn_on))
        .service(
            resource(urls::two_factor_off()).get(two_factor::show_off).post(two_factor::turn_off),
        )
        .service(
            resource(urls::recovery_codes()).get(two_factor::show_rotate).post(two_factor::rotate),
        )
        .service(resource(urls::profile_sign_out_others()).post(security::sign_out_others))
        .service(
            resource("/profile/security/devices/{id}/sign-out").post(security::sign_out_device),
        );
}
