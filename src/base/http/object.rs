//! Objects in lists of JSON.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// An element of a list that is an object: serde would take the fields of a struct from an array too, by their place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Pair {
        first: i32,
        second: Option<i32>,
    }

    #[test]
    fn an_array_is_no_object() {
        let read = |text: &str| serde_json::from_str::<Vec<Object<Pair>>>(text);
        let pair = Pair { first: 1, second: None };
        assert_eq!(read(r#"[{"first": 1}]"#).unwrap(), [Object(pair)]);
        for bad in ["[[1, 2]]", "[[1]]", "[1]", "[null]", r#"[{"first": 1}, [1, 2]]"#] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(
            serde_json::from_str::<Vec<Pair>>("[[1, 2]]").is_ok(),
            "serde does it by itself now"
        );
    }
}
