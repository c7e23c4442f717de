//! The values of XML-RPC, as far as Supervisor's clients use them. There is no nil.

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Wider than the protocol's 32 bits: clients take what they are told, and logs are long.
    Int(i64),
    Boolean(bool),
    Double(f64),
    Text(String),
    /// What a client may send in place of text.
    Bytes(Vec<u8>),
    Array(Vec<Value>),
    /// In the order of writing.
    Struct(Vec<(String, Value)>),
}

impl Value {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A list of words.
    pub(crate) fn texts(texts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::Array(texts.into_iter().map(Self::text).collect())
    }

    /// What its texts hold.
    pub(crate) fn text_bytes(&self) -> usize {
        match self {
            Self::Int(_) | Self::Boolean(_) | Self::Double(_) => 0,
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Array(values) => values.iter().map(Self::text_bytes).sum(),
            Self::Struct(members) => members.iter().map(|(_, value)| value.text_bytes()).sum(),
        }
    }

    /// The member of a struct.
    pub(crate) fn member(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Struct(members) => {
                members.iter().find(|(known, _)| known == name).map(|(_, value)| value)
            }
            Self::Int(_)
            | Self::Boolean(_)
            | Self::Double(_)
            | Self::Text(_)
            | Self::Bytes(_)
            | Self::Array(_) => None,
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
