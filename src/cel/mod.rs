//! Parser, checker, evaluator and cost limit for CEL.
