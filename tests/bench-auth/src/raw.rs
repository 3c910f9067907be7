//! The cryptographic operation that each kind cannot do without, by itself: what a ceremony would cost if
//! nothing else had to be done.

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, UnparsedPublicKey,
};
use nix::time::{ClockId, clock_gettime};

use crate::ceremonies::Kind;

/// Operations between two looks at the clock.
const BATCH: u64 = 32;

/// Does it for that long; gives how often, and the CPU time.
pub(crate) fn slice(kind: Kind, least: Duration) -> Result<(u64, Duration)> {
    let mut operation = operation(kind)?;
    let start = cpu()?;
    let mut times = 0_u64;
    loop {
        for _ in 0..BATCH {
            operation();
        }
        times = times.saturating_add(BATCH);
        let spent = cpu()?.saturating_sub(start);
        if spent >= least {
            return Ok((times, spent));
        }
    }
}

/// What `raw` is, in words.
pub(crate) fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Fido => "ES256 verified",
        Kind::FidoRegistration => "Ed25519 signed (the session)",
        Kind::Pow => "32 SHA-256",
        Kind::Captcha => "SHA-256 of the token",
        Kind::OtpEmail => "HMAC-SHA256 of the code",
        Kind::Totp => "3 HMAC-SHA1",
        Kind::Nojs => "HMAC-SHA256 of the ticket",
    }
}

fn operation(kind: Kind) -> Result<Box<dyn FnMut()>> {
    Ok(match kind {
        Kind::Fido => {
            let random = SystemRandom::new();
            let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?;
            // Authenticator data and the hash of the client's.
            let message = [7; 37 + 32];
            let signature = key.sign(&random, &message)?;
            let public = key.public_key().as_ref().to_vec();
            let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, public);
            public
                .verify(&message, signature.as_ref())
                .map_err(|_| anyhow!("the signature does not verify"))?;
            Box::new(move || {
                let _verified = black_box(public.verify(&message, signature.as_ref()));
            })
        }
        Kind::FidoRegistration => {
            let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32])
                .ok()
                .context("a seed is a key")?;
            Box::new(move || {
                black_box(key.sign(black_box(&[7; 300])));
            })
        }
        Kind::Pow => Box::new(|| {
            for _ in 0..32 {
                black_box(digest(&SHA256, black_box(&[7; 40])));
            }
        }),
        Kind::Captcha => Box::new(|| {
            black_box(digest(&SHA256, black_box(&[7; 1_024])));
        }),
        Kind::OtpEmail => hmac_of(hmac::HMAC_SHA256, &[7; 48], 1),
        Kind::Totp => hmac_of(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &[7; 8], 3),
        Kind::Nojs => hmac_of(hmac::HMAC_SHA256, &[7; 480], 1),
    })
}

fn hmac_of(algorithm: hmac::Algorithm, message: &'static [u8], times: u32) -> Box<dyn FnMut()> {
    let key = hmac::Key::new(algorithm, &[7; 20]);
    Box::new(move || {
        for _ in 0..times {
            black_box(hmac::sign(&key, black_box(message)));
        }
    })
}

fn cpu() -> Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into())
}
