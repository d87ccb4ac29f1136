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
    let page = |path: &str| resource(path.to_owned());
    config
        .service(page(urls::home()).get(enter::home))
        .service(page(urls::setup()).get(enter::show_setup).post(enter::set_up))
        .service(page(urls::sign_up()).get(enter::show_sign_up).post(enter::sign_up))
        .service(page(urls::sign_in()).get(enter::show_sign_in).post(enter::sign_in))
        .service(page(urls::second_step()).get(second_step::show).post(second_step::act))
        .service(page(urls::sign_out()).post(enter::sign_out))
        .service(page(urls::confirm_access()).get(enter::show_confirm).post(enter::confirm))
        .service(page(urls::forgot_password()).get(password::show_forgot).post(password::forgot))
        .service(page("/reset-password/{token}").get(password::show_reset).post(password::reset))
        .service(page(urls::verify_email_needed()).get(verify::show_needed).post(verify::send))
        .service(page("/verify-email/{token}").get(verify::show).post(verify::confirm))
        .service(page(urls::profile()).get(profile::show).post(profile::save))
        .service(page(urls::profile_email()).get(profile::show_email).post(profile::change_email))
        .service(page(urls::profile_email_cancel()).post(profile::cancel_email))
        .service(page(urls::profile_security()).get(security::show).post(security::change_password))
        .service(page(urls::two_factor()).get(two_factor::show).post(two_factor::turn_on))
        .service(page(urls::two_factor_off()).get(two_factor::show_off).post(two_factor::turn_off))
        .service(page(urls::recovery_codes()).get(two_factor::show_rotate).post(two_factor::rotate))
        .service(page(urls::profile_sign_out_others()).post(security::sign_out_others))
        .service(page("/profile/security/devices/{id}/sign-out").post(security::sign_out_device));
}
