//! Charts: load, dependencies, values, capabilities, engine, hooks, order, package.
