//! Reading untrusted bytes under a budget of memory.
//!
//! A list of empty lists takes one byte an element to write and 24 bytes to hold, and JSON has such lists too. So whoever
//! reads bytes from others says how much memory the result may take; elements of lists and maps, and texts, are
//! charged as they are read, and reading stops when the budget is used up.

use std::cell::Cell;
use std::mem::size_of;

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

/// What is left, in bytes.
struct Budget(Cell<usize>);

impl Budget {
    fn new(bytes: usize) -> Self {
        Self(Cell::new(bytes))
    }

    fn charge<E: Error>(&self, bytes: usize) -> Result<(), E> {
        let left = self.0.get().checked_sub(bytes);
        self.0.set(left.unwrap_or(0));
        left.map(|_| ())
            .ok_or_else(|| E::custom("it takes more memory than its size allows"))
    }
}

/// Reads `T` from bytes of which nothing is left over, in at most about `budget` bytes of memory.
pub(crate) fn from_postcard<T: DeserializeOwned>(
    bytes: &[u8],
    budget: usize,
) -> Result<T, postcard::Error> {
    let budget = Budget::new(budget);
    let mut deserializer = postcard::Deserializer::from_bytes(bytes);
    let value = T::deserialize(Limited::new(&mut deserializer, &budget))?;
    let rest = deserializer.finalize()?;
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(postcard::Error::DeserializeBadEncoding)
    }
}

/// The same from JSON.
pub(crate) fn from_json<T: DeserializeOwned>(
    bytes: &[u8],
    budget: usize,
) -> Result<T, serde_json::Error> {
    let budget = Budget::new(budget);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = T::deserialize(Limited::new(&mut deserializer, &budget))?;
    deserializer.end()?;
    Ok(value)
}

/// Whether these are the bytes of `value`, without writing them anew.
pub(crate) fn is_postcard_of<T: serde::Serialize>(value: &T, bytes: &[u8]) -> bool {
    struct Compare<'a>(&'a [u8]);
    impl postcard::ser_flavors::Flavor for Compare<'_> {
        type Output = bool;
        fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
            self.try_extend(&[byte])
        }
        fn try_extend(&mut self, written: &[u8]) -> postcard::Result<()> {
            let rest = self.0.strip_prefix(written);
            self.0 = rest.ok_or(postcard::Error::SerializeBufferFull)?;
            Ok(())
        }
        fn finalize(self) -> postcard::Result<bool> {
            Ok(self.0.is_empty())
        }
    }
    postcard::serialize_with_flavor(value, Compare(bytes)).unwrap_or(false)
}

/// A part of a deserializer that charges a budget. It wraps each of serde's roles.
struct Limited<'b, T> {
    inner: T,
    budget: &'b Budget,
    /// Whether elements are charged: those of lists and maps are, those of structures are part of what holds them.
    charged: bool,
}

impl<'b, T> Limited<'b, T> {
    fn new(inner: T, budget: &'b Budget) -> Self {
        Self {
            inner,
            budget,
            charged: false,
        }
    }
    fn with<U>(&self, inner: U) -> Limited<'b, U> {
        Limited::new(inner, self.budget)
    }
}

macro_rules! deserialize {
    ($charged:literal: $($name:ident($($argument:ident: $type:ty),*)),* $(,)?) => {
        $(fn $name<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            let mut visitor = self.with(visitor);
            visitor.charged = $charged;
            self.inner.$name($($argument,)* visitor)
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Limited<'_, D> {
    type Error = D::Error;
    deserialize! { false:
        deserialize_bool(), deserialize_i8(), deserialize_i16(), deserialize_i32(), deserialize_i64(), deserialize_i128(),
        deserialize_u8(), deserialize_u16(), deserialize_u32(), deserialize_u64(), deserialize_u128(), deserialize_f32(),
        deserialize_f64(), deserialize_char(), deserialize_str(), deserialize_string(), deserialize_bytes(),
        deserialize_byte_buf(), deserialize_option(), deserialize_unit(), deserialize_unit_struct(name: &'static str),
        deserialize_newtype_struct(name: &'static str), deserialize_tuple(len: usize),
        deserialize_tuple_struct(name: &'static str, len: usize),
        deserialize_struct(name: &'static str, fields: &'static [&'static str]),
        deserialize_enum(name: &'static str, variants: &'static [&'static str]), deserialize_identifier(),
    }
    deserialize! { true: deserialize_any(), deserialize_seq(), deserialize_map(), deserialize_ignored_any() }
    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! visit {
    ($($name:ident: $type:ty),* $(,)?) => {
        $(fn $name<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$name(value)
        })*
    };
}
macro_rules! visit_charged {
    ($($name:ident: $type:ty),* $(,)?) => {
        $(fn $name<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.budget.charge(value.len())?;
            self.inner.$name(value)
        })*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Limited<'_, V> {
    type Value = V::Value;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.inner.expecting(f)
    }
    visit! {
        visit_bool: bool, visit_i8: i8, visit_i16: i16, visit_i32: i32, visit_i64: i64, visit_i128: i128, visit_u8: u8,
        visit_u16: u16, visit_u32: u32, visit_u64: u64, visit_u128: u128, visit_f32: f32, visit_f64: f64, visit_char: char,
    }
    visit_charged! {
        visit_str: &str, visit_borrowed_str: &'de str, visit_string: String, visit_bytes: &[u8],
        visit_borrowed_bytes: &'de [u8], visit_byte_buf: Vec<u8>,
    }
    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }
    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }
    fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<V::Value, D::Error> {
        let d = self.with(d);
        self.inner.visit_some(d)
    }
    fn visit_newtype_struct<D: Deserializer<'de>>(self, d: D) -> Result<V::Value, D::Error> {
        let d = self.with(d);
        self.inner.visit_newtype_struct(d)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        let mut access = self.with(access);
        access.charged = self.charged;
        self.inner.visit_seq(access)
    }
    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        let mut access = self.with(access);
        access.charged = self.charged;
        self.inner.visit_map(access)
    }
    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        let access = self.with(access);
        self.inner.visit_enum(access)
    }
}

impl<T> Limited<'_, T> {
    fn charge<V, E: Error>(&self) -> Result<(), E> {
        let bytes = if self.charged { size_of::<V>() } else { 0 };
        self.budget.charge(bytes)
    }
    /// Whoever reads a list asks for as much memory as it is said to have elements.
    fn hint(&self, said: Option<usize>) -> Option<usize> {
        said.map(|n| n.min(self.budget.0.get()))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Limited<'_, A> {
    type Error = A::Error;
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, A::Error> {
        let seed = self.with(seed);
        let element = self.inner.next_element_seed(seed)?;
        if element.is_some() {
            self.charge::<T::Value, _>()?;
        }
        Ok(element)
    }
    fn size_hint(&self) -> Option<usize> {
        self.hint(self.inner.size_hint())
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Limited<'_, A> {
    type Error = A::Error;
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let seed = self.with(seed);
        let key = self.inner.next_key_seed(seed)?;
        if key.is_some() {
            self.charge::<K::Value, _>()?;
        }
        Ok(key)
    }
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        self.charge::<T::Value, A::Error>()?;
        let seed = self.with(seed);
        self.inner.next_value_seed(seed)
    }
    fn size_hint(&self) -> Option<usize> {
        self.hint(self.inner.size_hint())
    }
}

impl<'de, 'b, A: EnumAccess<'de>> EnumAccess<'de> for Limited<'b, A> {
    type Error = A::Error;
    type Variant = Limited<'b, A::Variant>;
    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Self::Variant), A::Error> {
        let (seed, budget) = (self.with(seed), self.budget);
        let (value, variant) = self.inner.variant_seed(seed)?;
        Ok((value, Limited::new(variant, budget)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Limited<'_, A> {
    type Error = A::Error;
    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, A::Error> {
        let seed = self.with(seed);
        self.inner.newtype_variant_seed(seed)
    }
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, v: V) -> Result<V::Value, A::Error> {
        let v = self.with(v);
        self.inner.tuple_variant(len, v)
    }
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        v: V,
    ) -> Result<V::Value, A::Error> {
        let v = self.with(v);
        self.inner.struct_variant(fields, v)
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Limited<'_, S> {
    type Value = S::Value;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<S::Value, D::Error> {
        let d = self.with(d);
        self.inner.deserialize(d)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::{Deserialize, Serialize};
    use std::collections::BTreeMap;

    /// Every shape that serde knows.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Shapes {
        lists: Vec<Vec<u32>>,
        pair: (u8, i64),
        array: [u16; 3],
        text: String,
        some: Option<u8>,
        none: Option<u8>,
        unit: (),
        choices: Vec<Choice>,
        map: BTreeMap<String, u8>,
        wrapped: Wrapped,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Choice {
        Unit,
        New(u8),
        Pair(u8, u8),
        Fields { a: u8 },
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Wrapped(u64);

    fn shapes() -> Shapes {
        Shapes {
            lists: vec![vec![1, 2], vec![], vec![3]],
            pair: (1, -2),
            array: [1, 2, 3],
            text: "text".into(),
            some: Some(1),
            none: None,
            unit: (),
            choices: vec![
                Choice::Unit,
                Choice::New(1),
                Choice::Pair(1, 2),
                Choice::Fields { a: 1 },
            ],
            map: [("a".to_string(), 1)].into(),
            wrapped: Wrapped(5),
        }
    }

    /// What the lists, texts and maps of `shapes` hold.
    const HELD: usize = 3 * 24 + 3 * 4 + 4 + 4 * 3 + 1 + 24 + 1;

    #[test]
    fn all_shapes_are_read_and_charged() {
        let bytes = postcard::to_allocvec(&shapes()).unwrap();
        assert_eq!(size_of::<Choice>(), 3);
        assert_eq!(from_postcard::<Shapes>(&bytes, HELD).unwrap(), shapes());
        assert!(from_postcard::<Shapes>(&bytes, HELD - 1).is_err());
        let json = serde_json::to_vec(&shapes()).unwrap();
        assert_eq!(from_json::<Shapes>(&json, 1000).unwrap(), shapes());
        assert!(from_json::<Shapes>(&json, HELD - 1).is_err());
        let value: serde_json::Value = from_json(&json, 10_000).unwrap();
        assert_eq!(value, serde_json::to_value(shapes()).unwrap());
        assert!(from_json::<serde_json::Value>(&json, 100).is_err());
    }

    #[test]
    fn bytes_left_over_and_other_encodings_are_found() {
        let mut bytes = postcard::to_allocvec(&shapes()).unwrap();
        assert!(is_postcard_of(&shapes(), &bytes));
        assert!(!is_postcard_of(&shapes(), &bytes[1..]));
        assert!(!is_postcard_of(&shapes(), &bytes[..bytes.len() - 1]));
        bytes.push(0);
        assert!(!is_postcard_of(&shapes(), &bytes));
        assert!(from_postcard::<Shapes>(&bytes, 10_000).is_err());
        assert!(from_json::<u8>(b"1 2", 10).is_err());
    }

    /// The attack: lists of empty lists, in one byte each.
    #[test]
    fn empty_lists_are_not_free() {
        let many = vec![Vec::<u8>::new(); 1000];
        let bytes = postcard::to_allocvec(&many).unwrap();
        assert!(from_postcard::<Vec<Vec<u8>>>(&bytes, 24 * 1000).is_ok());
        assert!(from_postcard::<Vec<Vec<u8>>>(&bytes, 24 * 1000 - 1).is_err());
        // A length that lies asks for no more than the budget.
        let lie = [0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0];
        assert!(from_postcard::<Vec<Vec<u8>>>(&lie, 100).is_err());
    }
}
