//! Arguments, configuration, one file per subcommand, the real World, exit codes.
