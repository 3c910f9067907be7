use crate::cel::Compiler;
use crate::cel::env::{Env, Lowering, Variable};
use crate::cel::testing::{compiled, env, shown};
use crate::cel::types::Type;

#[test]
fn the_type_of_every_kind_of_expression_is_found_out() {
    for (text, ty) in [
        ("score", "int"),
        ("score + 1", "int"),
        ("ratio * 2.0", "double"),
        ("now - now", "duration"),
        ("now + session.age", "timestamp"),
        ("request.path + 'a'", "string"),
        ("[score, 1u]", "list(dyn)"),
        ("[score] + []", "list(int)"),
        ("{'a': score, 'b': 1}", "map(string, int)"),
        ("labels.a", "int"),
        ("labels['a']", "int"),
        ("labels[?'a']", "optional_type(int)"),
        ("labels.?a.orValue(1)", "int"),
        ("maybe.optMap(m, m.size())", "optional_type(int)"),
        ("maybe.optFlatMap(m, labels[?m])", "optional_type(int)"),
        ("reasons.map(r, r.size())", "list(int)"),
        ("reasons.map(r, r != '', r.size())", "list(int)"),
        ("reasons.filter(r, r != '')", "list(string)"),
        ("labels.filter(k, k != '')", "list(string)"),
        (
            "labels.transformMap(k, v, string(v))",
            "map(string, string)",
        ),
        ("reasons.transformMap(i, r, r)", "map(int, string)"),
        (
            "reasons.transformMapEntry(i, r, {r: i})",
            "map(string, int)",
        ),
        ("labels.transformList(k, v, v)", "list(int)"),
        ("reasons.sortBy(r, r.size())", "list(string)"),
        ("reasons.exists_one(r, r == 'a')", "bool"),
        ("labels.exists(k, v, k == 'a' && v > 1)", "bool"),
        ("cel.bind(x, score * 2, x + x)", "int"),
        ("connection.mtls ? score : any", "dyn"),
        ("math.greatest(1, 2, score)", "int"),
        ("math.greatest(1, 2.0)", "dyn"),
        ("math.least([1, 2])", "int"),
        ("type(score)", "type(int)"),
        ("request.path.split('/')", "list(string)"),
        ("request.headers.host", "string"),
        ("ip('10.0.0.1')", "ip"),
        ("cidr('10.0.0.0/8').ip().family()", "int"),
        ("any.a.b", "dyn"),
        ("dyn(score)", "dyn"),
        ("size(raw)", "int"),
        ("null", "null"),
        ("lists.range(3)[0]", "int"),
        ("[[1], [2]].flatten()", "list(int)"),
        ("[1].first().value()", "int"),
        ("score < 1.5 || score < 2u", "bool"),
    ] {
        let found = compiled(text).map(|compiled| compiled.ty.to_string());
        assert_eq!(found.as_deref(), Ok(ty), "{text}");
    }
}

#[test]
fn names_become_what_they_stand_for() {
    for (text, tree) in [
        ("request.path", "attribute2"),
        (".request.path", "attribute2"),
        ("request.headers['X-A']", "header:x-a"),
        ("request.headers.host", "header:host"),
        ("request.headers.`user-agent`", "header:user-agent"),
        ("request.headers['x-' + 'a']", "header:x-a"),
        ("'X-A' in request.headers", "has-header:x-a"),
        ("has(request.headers.host)", "has-header:host"),
        (
            "request.headers[request.path]",
            "(Index headers attribute2)",
        ),
        ("request.headers[?'X-A']", "(OptionalIndex headers \"x-a\")"),
        (
            "source.address in lists.offices",
            "(InCidrs attribute5 set0)",
        ),
        ("request.host in lists.tenants", "(In attribute3 set1)"),
        ("source.port in lists['bad-asns']", "(In attribute6 set2)"),
        ("any in lists.tenants", "(In attribute11 set1)"),
        ("math.abs(score)", "(MathAbs attribute8)"),
        ("grade >= 'uv'", "(Ge attribute17 4)"),
        ("'effort' < grade", "(Lt 1 attribute17)"),
        ("grade in ['none', 'uv']", "(In attribute17 (List 0 4))"),
        ("grade == grade", "(Eq attribute17 attribute17)"),
        ("verdict == 'BLOCK'", "(Eq attribute18 \"BLOCK\")"),
        (
            "verdict in ['BLOCK', 'CHALLENGE']",
            "(In attribute18 (List \"BLOCK\" \"CHALLENGE\"))",
        ),
        ("dyn(score)", "attribute8"),
        ("int", "<int>"),
        ("google.protobuf.Timestamp", "<google.protobuf.Timestamp>"),
        ("[1].map(score, score)", "(List 1)"),
        ("reasons.map(score, score)", "(MapList attribute9 local0)"),
        (
            "reasons.map(score, .score)",
            "(MapList attribute9 attribute8)",
        ),
        (
            "reasons.map(r, reasons.map(s, r + s))",
            "(MapList attribute9 (MapList attribute9 (Add local0 local1)))",
        ),
        (
            "labels.all(k, v, reasons.exists(r, r == k))",
            "(AllPairs attribute15 (Exists attribute9 (Eq local2 local0)))",
        ),
        (
            "cel.bind(x, score, reasons.map(r, x))",
            "(Bind attribute8 (MapList attribute9 local0))",
        ),
        (
            "cel.block([score, cel.index(0) + 1], cel.index(1))",
            "(Bind attribute8 (Bind (Add local0 1) local1))",
        ),
        (
            "reasons.map(cel.iterVar(0, 0), cel.iterVar(0, 0))",
            "(MapList attribute9 local0)",
        ),
        (
            "score > 1 && (score > 2 && score > 3) && (score > 4 || score > 5)",
            "(And (Gt attribute8 1) (Gt attribute8 2) (Gt attribute8 3) (Or (Gt attribute8 4) (Gt attribute8 5)))",
        ),
    ] {
        let found = compiled(text).map(|compiled| shown(&compiled.tree));
        assert_eq!(found.as_deref(), Ok(tree), "{text}");
    }
}

fn declared(container: &str, names: &[&str]) -> Env {
    let mut env = Env::default().in_container(container);
    for (number, name) in (0..).zip(names) {
        let variable = Variable {
            ty: Type::map(Type::String, Type::Dyn),
            lowering: Lowering::Variable(number),
            absent: None,
        };
        env.declare(*name, variable);
    }
    env
}

#[test]
fn the_longest_name_in_the_innermost_namespace_counts() {
    for (container, names, text, tree) in [
        ("", vec!["a", "a.b"], "a.b", "variable1"),
        ("", vec!["a", "a.b"], "a.b.c", "(Select variable1 \"c\")"),
        ("", vec!["a", "a.b"], "a.c", "(Select variable0 \"c\")"),
        ("", vec!["a", "a.b.c"], "a.b", "(Select variable0 \"b\")"),
        (
            "",
            vec!["a", "a.b.c"],
            "a.b.c.d",
            "(Select variable1 \"d\")",
        ),
        ("x.y", vec!["a", "x.a", "x.y.a"], "a", "variable2"),
        ("x.y", vec!["a", "x.a"], "a", "variable1"),
        ("x.y", vec!["a", "x.a", "x.y.a"], ".a", "variable0"),
        ("x.y", vec!["a.b", "x.a"], "a.b", "variable0"),
        (
            "",
            vec!["a.b"],
            "{'b': 1}.map(a, a.b)",
            "(MapList (Map \"b\" 1) (Select local0 \"b\"))",
        ),
        (
            "",
            vec!["a.b"],
            "{'b': 1}.map(a, .a.b)",
            "(MapList (Map \"b\" 1) variable0)",
        ),
        ("", vec!["a", "a.b"], "a.`b`", "(Select variable0 \"b\")"),
        ("", vec!["a", "a.b"], "(a).b", "variable1"),
    ] {
        let env = declared(container, &names).unchecked();
        let compiled = Compiler::default().compile(text, &env).unwrap();
        assert_eq!(shown(&compiled.tree), tree, "{container} {text}");
    }
}

#[test]
fn functions_of_a_namespace_are_found_from_inside_of_it() {
    let env = env().in_container("math");
    let compiled = Compiler::default().compile("abs(score)", &env).unwrap();
    assert_eq!(shown(&compiled.tree), "(MathAbs attribute8)");
}
