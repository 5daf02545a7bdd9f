//! Random names and secrets, in the cloud's shapes.

use super::{KeysError, NewKey};
use crate::{keys::KeyEntry, secret::Secret};

const UPPER: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const MIXED: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const HEX: &[u8] = b"0123456789abcdef";

/// `length` characters of `alphabet`, each equally likely.
fn text(alphabet: &[u8], length: usize) -> Result<String, KeysError> {
    let unbiased = 256 / alphabet.len() * alphabet.len();
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let mut bytes = [0; 64];
        getrandom::fill(&mut bytes).map_err(KeysError::Random)?;
        let digits = bytes.iter().map(|&byte| usize::from(byte)).filter(|&byte| byte < unbiased);
        let digits = digits.filter_map(|byte| alphabet.get(byte % alphabet.len()));
        text.extend(digits.take(length - text.len()).map(|&digit| char::from(digit)));
    }
    Ok(text)
}

/// A secret as long as the cloud's: 40 letters and digits.
pub(super) fn secret() -> Result<Secret, KeysError> {
    text(MIXED, 40).map(Secret::new)
}

/// A project id as in the cloud: 32 hexadecimal digits.
pub(super) fn project_id() -> Result<String, KeysError> {
    text(HEX, 32)
}

/// A key in which everything that `wanted` leaves open is random: 20 and 40 characters, as in the cloud.
pub(super) fn key(wanted: NewKey) -> Result<KeyEntry, KeysError> {
    let NewKey { project_id: project, ak, sk } = wanted;
    Ok(KeyEntry {
        project_id: project.map_or_else(project_id, Ok)?,
        ak: ak.map_or_else(|| text(UPPER, 20), Ok)?,
        sk: sk.map_or_else(secret, Ok)?,
        token: None,
        security_token: None,
        expires_at: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_keys_have_the_clouds_shape_and_differ() {
        let (one, two) = (key(NewKey::default()).unwrap(), key(NewKey::default()).unwrap());
        assert_ne!(one, two);
        assert_eq!((one.project_id.len(), one.ak.len(), one.sk.expose().len()), (32, 20, 40));
        assert_eq!(one.check(), Ok(()));
    }

    #[test]
    fn every_character_of_an_alphabet_occurs() {
        let long = text(MIXED, 20_000).unwrap();
        assert!(MIXED.iter().all(|&c| long.contains(char::from(c))));
    }
}
