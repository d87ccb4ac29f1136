//! What the layers above declare when the program is put together, of which this one knows nothing: each list
//! under a type of its own.

use std::any::Any;

/// One value of each type.
#[derive(Clone, Copy)]
pub struct Declared(&'static [&'static (dyn Any + Send + Sync)]);

impl Declared {
    /// These values.
    pub const fn new(all: &'static [&'static (dyn Any + Send + Sync)]) -> Self {
        Self(all)
    }

    /// The `T` in here; its default where there is none.
    pub fn of<T: Any + Copy + Default>(self) -> T {
        self.0.iter().find_map(|one| one.downcast_ref().copied()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_has_one_value() {
        const DECLARED: Declared = Declared::new(&[&7_u8, &"nine"]);
        assert_eq!((DECLARED.of::<u8>(), DECLARED.of::<&str>()), (7, "nine"));
        assert_eq!(DECLARED.of::<u16>(), 0);
    }
}
