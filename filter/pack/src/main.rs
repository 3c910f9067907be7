//! `countersign-pack IN OUT`: the module as the compiler leaves it, without what the filter has no use
//! for.
//!
//! The SDK exports every callback of the ABI, and Envoy calls each that is exported, for each request:
//! body of the answer, log, done. The filter does nothing in those, and going into the VM
//! and back costs some 0.7 µs each time. A linker can only be told to export more, not less.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use countersign_engine::blob;
use walrus::{Module, RawCustomSection, passes};

/// What stays exported; everything that is reached from none of these is dropped.
const KEPT: [&str; 18] = [
    "memory",
    "_initialize",
    "proxy_abi_version_0_2_1",
    "proxy_on_memory_allocate",
    "proxy_on_context_create",
    "proxy_on_vm_start",
    "proxy_on_configure",
    "proxy_on_tick",
    "proxy_on_request_headers",
    // Held bodies. Envoy calls the first for each piece of a body, the second for the few requests with
    // trailers; a request without a body costs nothing more.
    "proxy_on_request_body",
    "proxy_on_request_trailers",
    "proxy_on_http_call_response",
    // Upstreams that ask for proof. See `RENAMED`.
    "proxy_on_response_headers",
    "proxy_on_delete",
    // The report stream. Envoy takes a module that has all of these or none.
    "proxy_on_grpc_receive",
    "proxy_on_grpc_receive_initial_metadata",
    "proxy_on_grpc_receive_trailing_metadata",
    "proxy_on_grpc_close",
];

/// What is exported under the name of a callback in the place of the SDK's: ours goes back to Envoy at
/// once where there is nothing to do, and pauses the answer's body with its headers.
const RENAMED: [(&str, &str); 1] = [(
    "countersign_on_response_headers",
    "proxy_on_response_headers",
)];

/// The custom section by which the control plane knows the module: lines of `name=value`.
const SECTION: &str = "countersign";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, to] = arguments.as_slice() else {
        bail!("usage: countersign-pack IN OUT");
    };
    let module = std::fs::read(from).with_context(|| format!("reading `{from}`"))?;
    let packed = pack(&module).with_context(|| format!("packing `{from}`"))?;
    write(Path::new(to), &packed).with_context(|| format!("writing `{to}`"))
}

/// In one step: the control plane may be watching the file.
fn write(to: &Path, module: &[u8]) -> Result<()> {
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)?;
    }
    if std::fs::read(to).is_ok_and(|there| there == module) {
        return Ok(());
    }
    let beside = to.with_extension("wasm.new");
    std::fs::write(&beside, module)?;
    Ok(std::fs::rename(&beside, to)?)
}

fn pack(module: &[u8]) -> Result<Vec<u8>> {
    let mut module = Module::from_buffer(module)?;
    for kept in KEPT {
        if !module.exports.iter().any(|export| export.name == kept) {
            bail!("the module does not export `{kept}`");
        }
    }
    for (ours, callback) in RENAMED {
        rename(&mut module, ours, callback);
    }
    let dropped: Vec<_> = module
        .exports
        .iter()
        .filter(|export| !KEPT.contains(&export.name.as_str()))
        .map(walrus::Export::id)
        .collect();
    for export in dropped {
        module.exports.delete(export);
    }
    passes::gc::run(&mut module);
    module.customs.remove_raw(SECTION);
    module.customs.add(RawCustomSection {
        name: SECTION.to_owned(),
        data: described().into_bytes(),
    });
    Ok(module.emit_wasm())
}

/// Exports `ours` under the name of a callback; without `ours`, as in a packed module, it is that already.
fn rename(module: &mut Module, ours: &str, callback: &str) {
    let named = |module: &Module, name: &str| {
        let mut exports = module.exports.iter();
        exports
            .find(|export| export.name == name)
            .map(walrus::Export::id)
    };
    let Some(id) = named(module, ours) else {
        return;
    };
    if let Some(theirs) = named(module, callback) {
        module.exports.delete(theirs);
    }
    module.exports.get_mut(id).name = callback.to_owned();
}

/// The compiled form that the filter reads, and its release.
fn described() -> String {
    let (format, version) = (blob::FORMAT, env!("CARGO_PKG_VERSION"));
    format!("format={format}\nversion={version}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use walrus::{FunctionBuilder, ModuleConfig, ValType};

    /// A module with a function for each name.
    fn module(names: &[&str]) -> Vec<u8> {
        let mut module = Module::with_config(ModuleConfig::new());
        let memory = module.memories.add_local(false, false, 1, None, None);
        module.exports.add("memory", memory);
        for name in names {
            let mut function = FunctionBuilder::new(&mut module.types, &[], &[ValType::I32]);
            function.name((*name).to_owned()).func_body().i32_const(7);
            let function = function.finish(vec![], &mut module.funcs);
            module.exports.add(name, function);
        }
        module.emit_wasm()
    }

    fn exports(module: &[u8]) -> Vec<String> {
        let module = Module::from_buffer(module).unwrap();
        let mut names: Vec<String> = module.exports.iter().map(|e| e.name.clone()).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn only_what_the_filter_uses_stays_exported_and_the_rest_is_dropped() {
        let mut names: Vec<&str> = KEPT[1..].to_vec();
        names.extend(["proxy_on_log", "countersign_on_response_headers"]);
        let packed = pack(&module(&names)).unwrap();
        let mut kept: Vec<String> = KEPT.iter().map(|&name| name.to_owned()).collect();
        kept.sort_unstable();
        assert_eq!(exports(&packed), kept);
        let functions = Module::from_buffer(&packed).unwrap().funcs.iter().count();
        assert_eq!(functions, KEPT.len() - 1);
    }

    #[test]
    fn a_packed_module_says_once_which_form_it_reads_and_of_which_release_it_is() {
        let packed = pack(&module(&KEPT[1..])).unwrap();
        let mut again = Module::from_buffer(&pack(&packed).unwrap()).unwrap();
        let section = again.customs.remove_raw(SECTION).unwrap();
        assert_eq!(String::from_utf8(section.data).unwrap(), described());
        assert!(again.customs.remove_raw(SECTION).is_none());
        assert!(described().starts_with(&format!("format={}\n", blob::FORMAT)));
    }

    #[test]
    fn a_module_that_lacks_a_callback_is_refused_by_its_name() {
        let error = pack(&module(&KEPT[1..KEPT.len() - 1])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the module does not export `proxy_on_grpc_close`"
        );
    }

    #[test]
    fn what_is_no_module_is_refused() {
        assert!(pack(b"\0asm").is_err());
        assert!(pack(b"").is_err());
    }
}
