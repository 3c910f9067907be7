use super::*;

const SET: &str = include_str!("../../../testdata/good/gateways.yaml");

fn compiled(set: &str) -> Compiled {
    let file = SourceFile {
        name: "a.yaml".to_owned(),
        content: set.into(),
    };
    compile_files(&[file]).unwrap_or_else(|errors| panic!("{}", rendered(&errors)))
}

fn policies(compiled: &Compiled, gateway: usize) -> Vec<String> {
    let id = RevisionId {
        number: 1,
        hash: compiled.hash.clone(),
    };
    let body = &compiled.forms.gateways[gateway].body;
    let revision = Revision::load(blob::seal(body, &id, 1).unwrap()).unwrap();
    revision.policy_names().map(str::to_owned).collect()
}

#[test]
fn a_gateways_form_has_what_it_names_and_everything_where_it_names_nothing() {
    let compiled = compiled(SET);
    let names: Vec<_> = compiled.forms.gateways.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["shop", "spare"]);
    assert_eq!(policies(&compiled, 0), ["common", "shop-checkout"]);
    assert_eq!(compiled.forms.gateways[1].body, compiled.forms.everything);
    assert!(compiled.forms.gateways[0].nodes.contains("locality.zone"));
    assert_eq!(compiled.forms.gateways[1].nodes, "");
}

#[test]
fn a_set_without_its_gateways_compiles_to_the_same_form_of_everything() {
    let (_, without) = SET.split_at(SET.find("kind: MitigationPolicy").unwrap());
    let without = compiled(&format!("apiVersion: countersign.dev/v1\n{without}"));
    let with = compiled(SET);
    assert_eq!(with.forms.everything, without.forms.everything);
    assert_ne!(with.hash, without.hash);
}

#[test]
fn as_many_gateways_as_the_bound_compile_and_not_one_more() {
    let gateways = |count: usize| -> String {
        let gateway = |n| {
            format!(
                "apiVersion: countersign.dev/v1\nkind: Gateway\nmetadata: {{name: g{n}}}\n---\n"
            )
        };
        (0..count).map(gateway).collect()
    };
    let file = |count: usize| SourceFile {
        name: "a.yaml".to_owned(),
        content: gateways(count).trim_end_matches("---\n").into(),
    };
    assert!(compile_files(&[file(limits::MAX_GATEWAYS)]).is_ok());
    let errors = compile_files(&[file(limits::MAX_GATEWAYS + 1)]).unwrap_err();
    assert!(rendered(&errors).contains("65 resources of kind Gateway are too many"));
}
