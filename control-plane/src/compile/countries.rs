//! The country codes that there are.

/// The codes of ISO 3166-1 alpha-2, sorted.
const ASSIGNED: &str = "\
    ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCD\
    CFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGF\
    GGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKN\
    KPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNA\
    NCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSI\
    SJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVI\
    VNVUWFWSYEYTZAZMZW";

/// Is the code (upper-case) assigned, or free for users to assign, as `XK` is for Kosovo?
pub(super) fn is_country(code: [u8; 2]) -> bool {
    let assigned = ASSIGNED.as_bytes().as_chunks::<2>().0;
    assigned.binary_search(&code).is_ok()
        || matches!(
            code,
            [b'X', _] | [b'Q', b'M'..=b'Z'] | [b'A', b'A'] | [b'Z', b'Z']
        )
}

/// The code of the country that people mean by one that is not assigned.
pub(super) fn meant_by(code: [u8; 2]) -> Option<&'static str> {
    match &code {
        b"UK" => Some("GB"),
        b"EL" => Some("GR"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_known_and_regions_are_none() {
        assert_eq!(ASSIGNED.len(), 2 * 249);
        assert!(ASSIGNED.as_bytes().as_chunks::<2>().0.is_sorted());
        for code in [b"AD", b"NO", b"GB", b"ZW", b"XK", b"QZ"] {
            assert!(is_country(*code));
        }
        for code in [b"UK", b"EU", b"AP", b"QB"] {
            assert!(!is_country(*code));
        }
        assert_eq!(meant_by(*b"UK"), Some("GB"));
    }
}
