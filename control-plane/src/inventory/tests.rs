use super::*;
use crate::resource::parse_document;

fn document(name: &str, action: &str, file: &str) -> Document {
    let source = format!(
        "apiVersion: countersign.dev/v1\nkind: MitigationPolicy\nmetadata: {{name: {name}}}\n\
         spec: {{action: {action}}}\n"
    );
    parse_document(&source, file, 1).unwrap()
}

fn files(documents: &[(&str, &str)]) -> Inventory {
    let documents = documents
        .iter()
        .map(|(name, action)| document(name, action, "dir/a.yaml"));
    Inventory::default()
        .synchronise(documents.collect(), "files", 1)
        .inventory
}

fn changes(changed: &Changed) -> Vec<(&str, Change)> {
    changed
        .changes
        .iter()
        .map(|(key, change)| (key.name.as_str(), *change))
        .collect()
}

#[test]
fn an_apply_adds_updates_and_leaves_alone() {
    let first = Inventory::default()
        .apply(
            vec![document("a", "block", "x"), document("b", "block", "x")],
            "me",
            1,
        )
        .unwrap();
    assert_eq!(
        changes(&first),
        [("a", Change::Created), ("b", Change::Created)]
    );
    let second = first
        .inventory
        .apply(
            vec![document("a", "block", "y"), document("b", "allow", "y")],
            "you",
            2,
        )
        .unwrap();
    assert_eq!(
        changes(&second),
        [("a", Change::Unchanged), ("b", Change::Updated)]
    );
    let (put, gone) = second.inventory.difference(&first.inventory);
    assert_eq!(
        put.iter()
            .map(|entry| entry.document.name.as_str())
            .collect::<Vec<_>>(),
        ["b"]
    );
    assert!(gone.is_empty());
}

#[test]
fn what_belongs_to_a_file_is_not_changed_by_an_apply() {
    let set = files(&[("a", "block")]);
    let conflicts = set
        .apply(vec![document("a", "allow", "mine.yaml")], "me", 2)
        .unwrap_err();
    assert_eq!(
        conflicts[0].to_string(),
        "`MitigationPolicy/a` is kept in the file `dir/a.yaml`"
    );
}

#[test]
fn applying_what_the_file_says_already_is_no_conflict() {
    let set = files(&[("a", "block")]);
    let changed = set
        .apply(vec![document("a", "block", "mine.yaml")], "me", 2)
        .unwrap();
    assert_eq!(changes(&changed), [("a", Change::Unchanged)]);
    let entry = changed.inventory.entries().next().unwrap();
    assert_eq!(entry.origin, Origin::Files);
}

#[test]
fn one_conflict_refuses_the_whole_apply() {
    let set = files(&[("a", "block")]);
    let both = vec![document("new", "block", "m"), document("a", "allow", "m")];
    assert!(set.apply(both, "me", 2).is_err());
}

#[test]
fn what_left_the_directory_leaves_the_set_and_what_was_applied_stays() {
    let set = files(&[("a", "block"), ("b", "block")]);
    let set = set
        .apply(vec![document("mine", "block", "m")], "me", 2)
        .unwrap()
        .inventory;
    let changed = set.synchronise(vec![document("b", "block", "dir/a.yaml")], "files", 3);
    assert_eq!(
        changes(&changed),
        [("b", Change::Unchanged), ("a", Change::Deleted)]
    );
    let left: Vec<_> = changed
        .inventory
        .entries()
        .map(|e| e.document.name.clone())
        .collect();
    assert_eq!(left, ["b", "mine"]);
}

#[test]
fn a_file_takes_over_what_was_applied_under_its_name() {
    let set = Inventory::default()
        .apply(vec![document("a", "block", "m")], "me", 1)
        .unwrap()
        .inventory;
    let changed = set.synchronise(vec![document("a", "allow", "dir/a.yaml")], "files", 2);
    assert_eq!(changes(&changed), [("a", Change::Updated)]);
    assert_eq!(
        changed.inventory.entries().next().unwrap().origin,
        Origin::Files
    );
}

#[test]
fn a_resource_that_moved_to_another_file_is_stored_anew_and_not_changed() {
    let set = files(&[("a", "block")]);
    let changed = set.synchronise(vec![document("a", "block", "dir/b.yaml")], "files", 2);
    assert_eq!(changes(&changed), [("a", Change::Unchanged)]);
    assert_eq!(changed.inventory.difference(&set).0.len(), 1);
}

#[test]
fn a_delete_names_what_exists_and_belongs_to_nobody_else() {
    let set = files(&[("a", "block")]);
    let set = set
        .apply(vec![document("mine", "block", "m")], "me", 2)
        .unwrap()
        .inventory;
    let named = |name: &str| vec![("MitigationPolicy".to_owned(), name.to_owned())];
    assert_eq!(
        changes(&set.delete(&named("mine")).unwrap()),
        [("mine", Change::Deleted)]
    );
    let unknown = set.delete(&named("nothing")).unwrap_err();
    assert_eq!(
        unknown[0].to_string(),
        "there is no `MitigationPolicy/nothing`"
    );
    assert!(matches!(
        set.delete(&named("a")).unwrap_err()[0],
        Conflict::KeptInFile { .. }
    ));
}
