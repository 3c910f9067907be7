//! Lists and maps as they are written.

use countersign_engine::cel::Op;

use super::{Checker, node, typed};
use crate::cel::problem::Span;
use crate::cel::syntax::{Element, Entry};
use crate::cel::typed::{Typed, TypedKind};
use crate::cel::types::Type;

impl Checker<'_> {
    pub(super) fn list(&mut self, elements: &[Element], span: Span) -> Typed {
        let mut args = Vec::with_capacity(elements.len());
        let mut element_type = None;
        for element in elements {
            let value = self.expr(&element.value);
            let (value, ty) = self.element(value, element.optional);
            element_type = Some(self.joined(element_type, &ty));
            args.push(value);
        }
        let element_type = element_type.unwrap_or_else(|| self.types.fresh());
        node(Op::List, args, Type::list(element_type), span)
    }

    pub(super) fn map(&mut self, entries: &[Entry], span: Span) -> Typed {
        let mut args = Vec::with_capacity(entries.len().saturating_mul(2));
        let (mut key_type, mut value_type) = (None, None);
        for entry in entries {
            let key = self.expr(&entry.key);
            // A key whose type is not known could grow with what it becomes.
            let of_key = match self.known(&key.ty) {
                Type::Param(_) => Type::Dyn,
                known => known,
            };
            let value = self.expr(&entry.value);
            let (value, ty) = self.element(value, entry.optional);
            key_type = Some(self.joined(key_type, &of_key));
            value_type = Some(self.joined(value_type, &ty));
            args.push(key);
            args.push(value);
        }
        let key_type = key_type.unwrap_or_else(|| self.types.fresh());
        let value_type = value_type.unwrap_or_else(|| self.types.fresh());
        node(Op::Map, args, Type::map(key_type, value_type), span)
    }

    /// An element as it stands in its list, and the type that it gives to the list.
    fn element(&mut self, value: Typed, optional: bool) -> (Typed, Type) {
        if !optional {
            let ty = value.ty.clone();
            return (value, ty);
        }
        let inner = self.types.fresh();
        let wanted = Type::optional(inner.clone());
        let fits = self.wants(&value, &wanted, "`?` takes");
        let ty = if fits { inner } else { Type::Dyn };
        let span = value.span;
        let kind = TypedKind::Call(Op::OptionalElement, vec![value]);
        (typed(kind, ty.clone(), span), ty)
    }

    /// The type of what holds both: what has no common type is `dyn`.
    fn joined(&mut self, before: Option<Type>, ty: &Type) -> Type {
        match before {
            None => ty.clone(),
            Some(before) => self.types.join(&before, ty).unwrap_or(Type::Dyn),
        }
    }
}
