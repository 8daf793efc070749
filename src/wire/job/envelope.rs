//! The JSON of a job in one pass, borrowed from the message: each field as what it is, right or wrong.
//! Not here: what is right (`job`). Nothing here fails but syntax and a field that comes twice, so that no fault
//! of the JSON library, which would quote values, reaches a person.

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

#[derive(Default)]
pub(super) struct Envelope<'a> {
    pub tenant_id: Option<Found<'a>>,
    pub event_type: Option<Found<'a>>,
    pub idempotency_key: Option<Found<'a>>,
    pub occurred_at: Option<Found<'a>>,
    pub connection: Option<Found<'a>>,
    pub payload: Option<Shape<'a, Payload<'a>>>,
}

#[derive(Default)]
pub(super) struct Payload<'a> {
    pub object: Option<Found<'a>>,
    pub external_id: Option<Found<'a>>,
    pub operation: Option<Found<'a>>,
    pub properties: Option<&'a RawValue>,
}

/// Any JSON value: a text, an object with the fields wanted of it, or something else.
pub(super) enum Shape<'a, T> {
    Text(Cow<'a, str>),
    Object(T),
    Other(Kind),
}

/// A value of which only a text is of use.
pub(super) type Found<'a> = Shape<'a, Passed>;

/// An object that was read over.
pub(super) struct Passed;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Boolean,
    Number,
    Text,
    Array,
    Object,
}

impl Kind {
    /// Of valid JSON without space before it.
    pub(super) fn of_json(text: &str) -> Self {
        match text.as_bytes().first() {
            Some(b'{') => Self::Object,
            Some(b'[') => Self::Array,
            Some(b'"') => Self::Text,
            Some(b't' | b'f') => Self::Boolean,
            Some(b'n') | None => Self::Null,
            Some(_) => Self::Number,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::Text => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

/// What is taken from an object.
pub(super) trait Fields<'a>: Sized {
    fn read<A: MapAccess<'a>>(map: A) -> Result<Self, A::Error>;
}

impl<'a> Fields<'a> for Envelope<'a> {
    fn read<A: MapAccess<'a>>(mut map: A) -> Result<Self, A::Error> {
        let mut it = Self::default();
        while let Some(Shape::Text(name)) = map.next_key::<Found<'a>>()? {
            match &*name {
                "tenant_id" => put(&mut it.tenant_id, &name, &mut map)?,
                "event_type" => put(&mut it.event_type, &name, &mut map)?,
                "idempotency_key" => put(&mut it.idempotency_key, &name, &mut map)?,
                "occurred_at" => put(&mut it.occurred_at, &name, &mut map)?,
                "connection" => put(&mut it.connection, &name, &mut map)?,
                "payload" => put(&mut it.payload, &name, &mut map)?,
                _ => pass(&mut map)?,
            }
        }
        Ok(it)
    }
}

impl<'a> Fields<'a> for Payload<'a> {
    fn read<A: MapAccess<'a>>(mut map: A) -> Result<Self, A::Error> {
        let mut it = Self::default();
        while let Some(Shape::Text(name)) = map.next_key::<Found<'a>>()? {
            match &*name {
                "object" => put(&mut it.object, "payload.object", &mut map)?,
                "external_id" => put(&mut it.external_id, "payload.external_id", &mut map)?,
                "operation" => put(&mut it.operation, "payload.operation", &mut map)?,
                "properties" => put(&mut it.properties, "payload.properties", &mut map)?,
                _ => pass(&mut map)?,
            }
        }
        Ok(it)
    }
}

impl<'a> Fields<'a> for Passed {
    fn read<A: MapAccess<'a>>(mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self)
    }
}

/// Readers differ in which of two equal names they believe; a job must mean the same to all of them.
fn put<'a, T, A>(slot: &mut Option<T>, name: &str, map: &mut A) -> Result<(), A::Error>
where
    T: Deserialize<'a>,
    A: MapAccess<'a>,
{
    if slot.is_some() {
        return Err(A::Error::custom(format_args!("field `{name}` comes twice")));
    }
    *slot = Some(map.next_value()?);
    Ok(())
}

fn pass<'a, A: MapAccess<'a>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<IgnoredAny>().map(|_| ())
}

impl<'a, T: Fields<'a>> Deserialize<'a> for Shape<'a, T> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyShape(PhantomData))
    }
}

struct AnyShape<T>(PhantomData<T>);

impl<'a, T: Fields<'a>> Visitor<'a> for AnyShape<T> {
    type Value = Shape<'a, T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Self::Value, E> {
        Ok(Shape::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Shape::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Shape::Other(Kind::Null))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Shape::Other(Kind::Boolean))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Shape::Other(Kind::Number))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Shape::Other(Kind::Number))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Shape::Other(Kind::Number))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Shape::Other(Kind::Array))
    }

    fn visit_map<A: MapAccess<'a>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::read(map).map(Shape::Object)
    }
}
