//! A look at a component before it is compiled: whether it has more of anything than the compiler should be given.
//!
//! It reads the heads of sections and functions and no code, so it costs little whatever the component is. The bounds on the
//! compiler itself hold for what is small in every respect and dear all the same.

use wasmparser::{
    BinaryReaderError, ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    ComponentType, ComponentTypeDeclaration, ComponentTypeRef, CoreType, Encoding, FunctionBody, Instance,
    InstanceTypeDeclaration, Parser, Payload,
};

use crate::limits::{
    COMPONENT_FUNCTIONS_MAX, COMPONENT_INSTANCES_MAX, COMPONENT_MEMORIES_MAX, COMPONENT_MODULES_MAX,
    COMPONENT_TABLES_MAX, COMPONENT_TYPES_MAX, FUNCTION_BYTES_MAX, FUNCTION_LOCALS_MAX,
};

/// A component has more of something than it may.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("over the limit {limit} = {max}: it has {found}")]
pub struct OverLimit {
    /// The name of the fixed bound.
    pub limit: &'static str,
    pub max: u64,
    /// How many there are, or were when the count ended.
    pub found: u64,
}

/// Checks `component`, compiled or not. Bytes that are no component pass: the compiler says what is wrong with them.
///
/// # Errors
///
/// [`OverLimit`], of the first limit that it is over.
pub(super) fn check(component: &[u8]) -> Result<(), OverLimit> {
    let mut counts = Counts::default();
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(End::from).and_then(|payload| counts.add(payload)) {
            Ok(()) => {}
            Err(End::Over(over)) => return Err(over),
            Err(End::Malformed) => return Ok(()),
        }
    }
    Ok(())
}

/// Why the count ends early.
enum End {
    Over(OverLimit),
    Malformed,
}

impl From<BinaryReaderError> for End {
    fn from(_: BinaryReaderError) -> Self {
        Self::Malformed
    }
}

/// A count, and its bound.
struct Count {
    limit: &'static str,
    max: u64,
    found: u64,
}

impl Count {
    const fn new(limit: &'static str, max: u64) -> Self {
        Self { limit, max, found: 0 }
    }

    fn add(&mut self, more: u64) -> Result<(), End> {
        self.found = self.found.saturating_add(more);
        let Self { limit, max, found } = *self;
        if found > max { Err(End::Over(OverLimit { limit, max, found })) } else { Ok(()) }
    }
}

/// What was counted of a component so far.
struct Counts {
    functions: Count,
    modules: Count,
    types: Count,
    tables: Count,
    memories: Count,
    /// The components and modules around what is read now, outermost first.
    scopes: Vec<Scope>,
}

/// A component or a module that is being read.
struct Scope {
    /// The instances that one instance of it makes, itself included.
    instances: Count,
    /// The same of each component in its index space. One that it imports, or takes from an instance, is not known here
    /// and counts as one.
    components: Vec<u64>,
    is_component: bool,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            functions: Count::new("component_functions_max", COMPONENT_FUNCTIONS_MAX),
            modules: Count::new("component_modules_max", COMPONENT_MODULES_MAX),
            types: Count::new("component_types_max", COMPONENT_TYPES_MAX),
            tables: Count::new("component_tables_max", COMPONENT_TABLES_MAX),
            memories: Count::new("component_memories_max", COMPONENT_MEMORIES_MAX),
            scopes: Vec::new(),
        }
    }
}

impl Counts {
    fn add(&mut self, payload: Payload<'_>) -> Result<(), End> {
        match payload {
            Payload::Version { encoding, .. } => self.begin(encoding == Encoding::Component),
            Payload::End(_) => self.end(),
            Payload::CodeSectionStart { count, .. } => self.functions.add(count.into()),
            Payload::CodeSectionEntry(body) => function(&body),
            Payload::TableSection(tables) => self.tables.add(tables.count().into()),
            Payload::MemorySection(memories) => self.memories.add(memories.count().into()),
            Payload::TypeSection(types) => self.types.add(types.count().into()),
            Payload::CoreTypeSection(types) => types.into_iter().try_for_each(|ty| self.types.add(core_types(&ty?))),
            Payload::ComponentTypeSection(types) => {
                types.into_iter().try_for_each(|ty| self.types.add(all_types(&ty?)))
            }
            Payload::InstanceSection(instances) => instances.into_iter().try_for_each(|instance| match instance? {
                Instance::Instantiate { .. } => self.scope()?.instances.add(1),
                Instance::FromExports(_) => Ok(()),
            }),
            Payload::ComponentInstanceSection(instances) => {
                instances.into_iter().try_for_each(|instance| match instance? {
                    ComponentInstance::Instantiate { component_index, .. } => {
                        let instances = self.component(0, component_index)?;
                        self.scope()?.instances.add(instances)
                    }
                    ComponentInstance::FromExports(_) => Ok(()),
                })
            }
            Payload::ComponentAliasSection(aliases) => aliases.into_iter().try_for_each(|alias| self.alias(&alias?)),
            Payload::ComponentImportSection(imports) => imports.into_iter().try_for_each(|import| {
                if matches!(import?.ty, ComponentTypeRef::Component(_)) {
                    self.scope()?.components.push(1);
                }
                Ok(())
            }),
            // What is exported has a new index.
            Payload::ComponentExportSection(exports) => exports.into_iter().try_for_each(|export| {
                let export = export?;
                if export.kind == ComponentExternalKind::Component {
                    let instances = self.component(0, export.index)?;
                    self.scope()?.components.push(instances);
                }
                Ok(())
            }),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, is_component: bool) -> Result<(), End> {
        let instances = Count { found: 1, ..Count::new("component_instances_max", COMPONENT_INSTANCES_MAX) };
        self.scopes.push(Scope { instances, components: Vec::new(), is_component });
        if is_component { Ok(()) } else { self.modules.add(1) }
    }

    fn end(&mut self) -> Result<(), End> {
        let ended = self.scopes.pop().ok_or(End::Malformed)?;
        if let Some(around) = self.scopes.last_mut().filter(|_| ended.is_component) {
            around.components.push(ended.instances.found);
        }
        Ok(())
    }

    fn scope(&mut self) -> Result<&mut Scope, End> {
        self.scopes.last_mut().ok_or(End::Malformed)
    }

    /// The instances that one of the component `index` makes, in the index space of the component `outwards` from here.
    fn component(&self, outwards: u32, index: u32) -> Result<u64, End> {
        let outwards = usize::try_from(outwards).map_err(|_| End::Malformed)?;
        let index = usize::try_from(index).map_err(|_| End::Malformed)?;
        self.scopes
            .iter()
            .rev()
            .nth(outwards)
            .and_then(|scope| scope.components.get(index))
            .copied()
            .ok_or(End::Malformed)
    }

    fn alias(&mut self, alias: &ComponentAlias<'_>) -> Result<(), End> {
        let instances = match alias {
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. } => 1,
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
                self.component(*count, *index)?
            }
            _ => return Ok(()),
        };
        self.scope()?.components.push(instances);
        Ok(())
    }
}

fn function(body: &FunctionBody<'_>) -> Result<(), End> {
    let bytes = u64::try_from(body.range().len()).unwrap_or(u64::MAX);
    Count::new("function_bytes_max", FUNCTION_BYTES_MAX).add(bytes)?;
    let mut locals = Count::new("function_locals_max", FUNCTION_LOCALS_MAX);
    body.get_locals_reader()?.into_iter().try_for_each(|local| locals.add(local?.0.into()))
}

/// The types that `ty` declares, itself included.
fn all_types(ty: &ComponentType<'_>) -> u64 {
    let within = match ty {
        ComponentType::Component(declarations) => declarations
            .iter()
            .map(|declaration| match declaration {
                ComponentTypeDeclaration::CoreType(ty) => core_types(ty),
                ComponentTypeDeclaration::Type(ty) => all_types(ty),
                _ => 1,
            })
            .sum(),
        ComponentType::Instance(declarations) => declarations
            .iter()
            .map(|declaration| match declaration {
                InstanceTypeDeclaration::CoreType(ty) => core_types(ty),
                InstanceTypeDeclaration::Type(ty) => all_types(ty),
                _ => 1,
            })
            .sum(),
        _ => 0,
    };
    1 + within
}

fn core_types(ty: &CoreType<'_>) -> u64 {
    match ty {
        CoreType::Rec(group) => u64::try_from(group.types().len()).unwrap_or(u64::MAX),
        CoreType::Module(declarations) => u64::try_from(declarations.len()).unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
mod tests;
