//! What browsers send about people.

use serde::Deserialize;

use super::model::{DisplayName, NewPassword};
use crate::access::email::EmailAddress;
use crate::access::handle::Handle;
use crate::base::http::form::Field;

/// A new person: sign-up, setup, and (with the address given) an invitation.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignUpForm {
    pub name: String,
    pub handle: String,
    pub email: String,
    pub password: String,
    /// The setup page keeps its token in its address, and so in the form's.
    pub token: String,
}

/// The sign-up form as shown.
#[derive(Debug, Default)]
pub struct SignUpFields {
    pub name: Field,
    pub handle: Field,
    pub email: Field,
    pub password: Field,
}

/// What a sign-up form says, parsed.
#[derive(Debug)]
pub struct SignUp {
    /// Display name.
    pub name: DisplayName,
    /// Handle of the personal account.
    pub handle: Handle,
    /// Address.
    pub email: EmailAddress,
    /// Password.
    pub password: NewPassword,
}

impl SignUpFields {
    /// An empty form.
    pub fn empty() -> Self {
        Self {
            name: Field::empty("name"),
            handle: Field::empty("handle"),
            email: Field::empty("email"),
            password: Field::empty("password"),
        }
    }
}

impl SignUpForm {
    /// The domain values, or the same form with its problems; `host` is this server's.
    pub fn parse(self, host: &str) -> Result<(SignUp, SignUpFields), Box<SignUpFields>> {
        let mut fields = SignUpFields {
            name: Field::new("name", self.name),
            handle: Field::new("handle", self.handle),
            email: Field::new("email", self.email),
            password: Field::empty("password"),
        };
        let name = fields.name.parse(DisplayName::parse);
        let handle = fields.handle.parse(Handle::parse);
        let email = fields.email.parse(EmailAddress::parse);
        let own = [fields.name.value.as_str(), &fields.handle.value, &fields.email.value, host];
        let password = match NewPassword::parse(&self.password, &own) {
            Ok(password) => Some(password),
            Err(problem) => {
                fields.password.problem = Some(problem);
                None
            }
        };
        match (name, handle, email, password) {
            (Some(name), Some(handle), Some(email), Some(password)) => {
                Ok((SignUp { name, handle, email, password }, fields))
            }
            _ => Err(Box::new(fields)),
        }
    }
}

/// Sign-in.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignInForm {
    pub email: String,
    pub password: String,
    pub next: String,
}

/// Where to go on to.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NextParams {
    pub next: String,
    pub done: String,
}

/// The setup link's token.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TokenParams {
    pub token: String,
}

/// One password.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PasswordForm {
    pub password: String,
    pub next: String,
}

/// One address.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EmailForm {
    pub email: String,
}

/// A change of the password.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChangePasswordForm {
    pub current_password: String,
    pub new_password: String,
}

/// The profile.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProfileForm {
    pub name: String,
    pub handle: String,
    pub theme: String,
    pub time_zone: String,
}

/// A second factor at sign-in.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CodeForm {
    pub code: String,
}

/// The page that turns two-factor authentication on.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TurnOnForm {
    pub setup: String,
    pub code: String,
}
