//! What the layers above remember in this process, of which this one knows nothing: each thing under a type
//! of its own.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// One value of each type that was asked for.
#[derive(Debug, Default)]
pub struct Memory(Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl Memory {
    /// The one `T` in here, which begins as its default.
    pub fn of<T: Any + Default + Send + Sync>(&self) -> Arc<T> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let one = all.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default()));
        Arc::clone(one).downcast().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    #[derive(Default)]
    struct Other(AtomicU8);

    #[test]
    fn each_type_has_one_value() {
        let memory = Memory::default();
        memory.of::<AtomicU8>().store(7, Ordering::Relaxed);
        assert_eq!(memory.of::<AtomicU8>().load(Ordering::Relaxed), 7);
        assert_eq!(memory.of::<Other>().0.load(Ordering::Relaxed), 0);
    }
}
