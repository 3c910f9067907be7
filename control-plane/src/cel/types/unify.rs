//! Types that are being found out: which may stand for which, and what stands for a parameter. The
//! rules are those of the reference checker: a parameter takes the most general of the types that it
//! meets, `dyn` goes with everything, null goes with what can be null.

use std::sync::Arc;

use super::Type;

/// What is known of the parameters so far.
#[derive(Debug, Default)]
pub(in crate::cel) struct Substitution {
    slots: Vec<Option<Type>>,
    /// What to undo where a match fails half-way.
    trail: Vec<(u32, Option<Type>)>,
}

impl Substitution {
    /// A parameter of which nothing is known.
    pub(in crate::cel) fn fresh(&mut self) -> Type {
        self.fresh_many(1)
    }

    /// The first of so many new parameters, which are numbered one after the other.
    fn fresh_many(&mut self, count: u32) -> Type {
        let number = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        self.slots.resize(self.slots.len() + count as usize, None);
        Type::Param(number)
    }

    /// Makes the parameters of a declaration new ones: gives what to add to their numbers.
    pub(in crate::cel) fn instantiate(&mut self, count: u32) -> u32 {
        match self.fresh_many(count) {
            Type::Param(number) => number,
            _ => 0,
        }
    }

    /// May a value of `from` stand where `to` is wanted? Remembers what that makes of parameters, if
    /// it may.
    pub(in crate::cel) fn assign(&mut self, from: &Type, to: &Type) -> bool {
        let mark = self.trail.len();
        let fits = self.fits(from, to);
        if !fits {
            self.undo(mark);
        }
        self.trail.truncate(mark);
        fits
    }

    /// [`Self::assign`] for arguments one by one; all or none.
    pub(in crate::cel) fn assign_all<'a>(
        &mut self,
        pairs: impl IntoIterator<Item = (&'a Type, Type)>,
    ) -> bool {
        let mark = self.trail.len();
        let fits = pairs.into_iter().all(|(from, to)| self.fits(from, &to));
        if !fits {
            self.undo(mark);
        }
        self.trail.truncate(mark);
        fits
    }

    /// The type of what may be either, if one covers both.
    pub(in crate::cel) fn join(&mut self, one: &Type, other: &Type) -> Option<Type> {
        self.assign(one, other).then(|| {
            if self.covers(one, other) {
                one.clone()
            } else {
                other.clone()
            }
        })
    }

    /// The type with all that is known put in; what is not known stays a parameter.
    pub(in crate::cel) fn apply(&self, ty: &Type) -> Type {
        self.substitute(ty, false)
    }

    /// The type with all that is known put in; what is not known is `dyn`.
    pub(in crate::cel) fn finish(&self, ty: &Type) -> Type {
        self.substitute(ty, true)
    }

    fn undo(&mut self, mark: usize) {
        while self.trail.len() > mark {
            if let Some((number, before)) = self.trail.pop()
                && let Some(slot) = self.slots.get_mut(number as usize)
            {
                *slot = before;
            }
        }
    }

    fn set(&mut self, number: u32, ty: Type) {
        if let Some(slot) = self.slots.get_mut(number as usize) {
            self.trail.push((number, slot.replace(ty)));
        }
    }

    fn slot(&self, number: u32) -> Option<&Type> {
        self.slots.get(number as usize).and_then(Option::as_ref)
    }

    /// The parameter that a chain of parameters ends with.
    fn last(&self, mut number: u32) -> u32 {
        while let Some(Type::Param(next)) = self.slot(number) {
            number = *next;
        }
        number
    }

    fn fits(&mut self, from: &Type, to: &Type) -> bool {
        if let Type::Param(number) = to {
            let number = self.last(*number);
            match self.stands_for(from, number) {
                Stands::Now => return true,
                Stands::Never => return false,
                Stands::Circular => {}
            }
        }
        if let Type::Param(number) = from {
            let number = self.last(*number);
            return matches!(self.stands_for(to, number), Stands::Now);
        }
        if from.is_dynamic() || to.is_dynamic() {
            return true;
        }
        match (from, to) {
            (Type::Null, other) | (other, Type::Null) => may_be_null(other),
            (Type::Nullable(one), Type::Nullable(other)) => self.fits(one, other),
            (Type::Nullable(inner), other) | (other, Type::Nullable(inner)) => **inner == *other,
            (Type::List(one), Type::List(other)) | (Type::Optional(one), Type::Optional(other)) => {
                self.fits(one, other)
            }
            (Type::Map(one), Type::Map(other)) => {
                self.fits(&one.0, &other.0) && self.fits(&one.1, &other.1)
            }
            (Type::Type(_), Type::Type(_)) => true,
            (Type::Opaque(one, ones), Type::Opaque(other, others)) => {
                one == other
                    && ones.len() == others.len()
                    && ones
                        .iter()
                        .zip(others.iter())
                        .all(|(one, other)| self.fits(one, other))
            }
            (one, other) => one == other,
        }
    }

    /// Lets `ty` stand for a parameter that ends its chain.
    fn stands_for(&mut self, ty: &Type, number: u32) -> Stands {
        let ty = match ty {
            Type::Param(other) => Type::Param(self.last(*other)),
            other => other.clone(),
        };
        if ty == Type::Param(number) {
            return Stands::Now;
        }
        let Some(known) = self.slot(number).cloned() else {
            if self.contains(&ty, number) {
                return Stands::Circular;
            }
            self.set(number, ty);
            return Stands::Now;
        };
        if ty == known {
            return Stands::Now;
        }
        if !self.fits(&ty, &known) {
            return Stands::Never;
        }
        let general = if self.covers(&ty, &known) { ty } else { known };
        // Whoever became the parameter itself in the meantime knows the rest.
        if general != Type::Param(number) && !self.contains(&general, number) {
            self.set(number, general);
        }
        Stands::Now
    }

    /// Is the parameter a part of the type?
    fn contains(&self, ty: &Type, number: u32) -> bool {
        match ty {
            Type::Param(other) => {
                let other = self.last(*other);
                other == number
                    || self
                        .slot(other)
                        .is_some_and(|known| self.contains(known, number))
            }
            Type::Map(entry) => self.contains(&entry.0, number) || self.contains(&entry.1, number),
            other => other
                .parameters()
                .iter()
                .any(|inner| self.contains(inner, number)),
        }
    }

    /// Is `one` the same as `other`, or less specific?
    fn covers(&self, one: &Type, other: &Type) -> bool {
        match (one, other) {
            (Type::Dyn | Type::Error | Type::Param(_), _) => true,
            (_, Type::Dyn | Type::Error | Type::Param(_)) => false,
            (Type::Null, Type::Null) => true,
            (Type::Null, _) => false,
            (other, Type::Null) => may_be_null(other),
            (Type::Nullable(one), Type::Nullable(other)) => self.covers(one, other),
            (Type::Nullable(inner), other) => **inner == *other,
            (Type::List(one), Type::List(other)) | (Type::Optional(one), Type::Optional(other)) => {
                self.covers(one, other)
            }
            (Type::Map(one), Type::Map(other)) => {
                self.covers(&one.0, &other.0) && self.covers(&one.1, &other.1)
            }
            (Type::Type(_), Type::Type(_)) => true,
            (Type::Opaque(one, ones), Type::Opaque(other, others)) => {
                one == other
                    && ones
                        .iter()
                        .zip(others.iter())
                        .all(|(one, other)| self.covers(one, other))
            }
            (one, other) => one == other,
        }
    }

    fn substitute(&self, ty: &Type, finish: bool) -> Type {
        match ty {
            Type::Param(number) => {
                let number = self.last(*number);
                match self.slot(number) {
                    Some(known) => self.substitute(known, finish),
                    None if finish => Type::Dyn,
                    None => Type::Param(number),
                }
            }
            Type::Nullable(inner) => Type::Nullable(Arc::new(self.substitute(inner, finish))),
            Type::List(inner) => Type::list(self.substitute(inner, finish)),
            Type::Optional(inner) => Type::optional(self.substitute(inner, finish)),
            Type::Type(Some(inner)) => Type::type_of(self.substitute(inner, finish)),
            Type::Map(entry) => Type::map(
                self.substitute(&entry.0, finish),
                self.substitute(&entry.1, finish),
            ),
            Type::Opaque(name, inner) => Type::Opaque(
                Arc::clone(name),
                inner
                    .iter()
                    .map(|inner| self.substitute(inner, finish))
                    .collect(),
            ),
            other => other.clone(),
        }
    }
}

/// May a type stand for a parameter?
enum Stands {
    Now,
    Never,
    /// The type contains the parameter.
    Circular,
}

/// What null may be given for, as the reference checker has it for what was a message once.
const fn may_be_null(ty: &Type) -> bool {
    matches!(
        ty,
        Type::Null
            | Type::Nullable(_)
            | Type::Timestamp
            | Type::Duration
            | Type::Optional(_)
            | Type::Opaque(..)
            | Type::Ip
            | Type::Cidr
    )
}

impl Type {
    /// A declaration's type with its parameters made new ones: `by` is added to their numbers.
    pub(in crate::cel) fn shifted(&self, by: u32) -> Self {
        match self {
            Self::Param(number) => Self::Param(number.saturating_add(by)),
            Self::Nullable(inner) => Self::Nullable(Arc::new(inner.shifted(by))),
            Self::List(inner) => Self::list(inner.shifted(by)),
            Self::Optional(inner) => Self::optional(inner.shifted(by)),
            Self::Type(Some(inner)) => Self::type_of(inner.shifted(by)),
            Self::Map(entry) => Self::map(entry.0.shifted(by), entry.1.shifted(by)),
            Self::Opaque(name, inner) => Self::Opaque(
                Arc::clone(name),
                inner.iter().map(|inner| inner.shifted(by)).collect(),
            ),
            other => other.clone(),
        }
    }

    /// How many parameters a declaration has, if they are numbered from zero.
    pub(in crate::cel) fn parameter_count(&self) -> u32 {
        match self {
            Self::Param(number) => number.saturating_add(1),
            Self::Map(entry) => entry.0.parameter_count().max(entry.1.parameter_count()),
            other => other
                .parameters()
                .iter()
                .map(Self::parameter_count)
                .max()
                .unwrap_or(0),
        }
    }
}
