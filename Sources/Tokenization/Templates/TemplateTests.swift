/// The tests of `is`.
enum TemplateTests {
  typealias Test = @Sendable (TemplateRenderer, TemplateValue, CallArguments) throws(TemplateError) -> Bool

  static let all: [String: Test] = kinds.merging(comparisons) { first, _ in first }

  private static func simple(_ test: @escaping @Sendable (TemplateValue) -> Bool) -> Test {
    { (_, value, arguments) throws(TemplateError) in
      _ = try arguments.bind("test", [])
      return test(value)
    }
  }

  private static let kinds: [String: Test] = [
    "defined": simple { !$0.isUndefined },
    "undefined": simple { $0.isUndefined },
    "none": simple { $0.isNull },
    "boolean": simple { if case .bool = $0 { true } else { false } },
    "true": simple { if case .bool(true) = $0 { true } else { false } },
    "false": simple { if case .bool(false) = $0 { true } else { false } },
    "integer": simple { if case .int = $0 { true } else { false } },
    "float": simple { if case .float = $0 { true } else { false } },
    "number": simple { $0.number != nil },
    "string": simple { $0.text != nil },
    "mapping": simple { if case .dict = $0 { true } else { false } },
    "sequence": simple { value in
      switch value {
      case .text, .list, .tuple, .dict, .range, .undefined: true
      default: false
      }
    },
    "iterable": simple { value in
      switch value {
      case .text, .list, .tuple, .dict, .range, .undefined, .view, .iterator, .loop: true
      default: false
      }
    },
    "callable": simple { value in
      switch value {
      case .macro, .function, .method, .joiner, .loop, .undefined: true
      default: false
      }
    },
    "escaped": simple { $0.text?.isMarkup ?? false },
    "lower": { (renderer, value, _) throws(TemplateError) in try renderer.text(value).isLower },
    "upper": { (renderer, value, _) throws(TemplateError) in try renderer.text(value).isUpper },
    "filter": { (_, value, _) throws(TemplateError) in
      value.text.map { TemplateFilters.all[$0.string] != nil } ?? false
    },
    "test": { (_, value, _) throws(TemplateError) in
      value.text.map { TemplateTests.all[$0.string] != nil } ?? false
    },
  ]

  private static func comparing(_ comparison: ComparisonOperator) -> Test {
    { (renderer, value, arguments) throws(TemplateError) in
      let other = try arguments.bind("test", ["other"], required: 1)[0] ?? .null
      return try renderer.compare(comparison, value, other)
    }
  }

  private static func remainder(_ divisor: Int?, _ wanted: Int) -> Test {
    { (renderer, value, arguments) throws(TemplateError) in
      let other =
        divisor == nil ? try arguments.bind("test", ["num"], required: 1)[0] ?? .null : .int(divisor ?? 1)
      return try renderer.equal(try renderer.apply(.modulo, value, other), .int(wanted))
    }
  }

  private static let comparisons: [String: Test] = [
    "==": comparing(.equal), "eq": comparing(.equal), "equalto": comparing(.equal),
    "!=": comparing(.notEqual), "ne": comparing(.notEqual),
    ">": comparing(.greater), "gt": comparing(.greater), "greaterthan": comparing(.greater),
    ">=": comparing(.greaterOrEqual), "ge": comparing(.greaterOrEqual),
    "<": comparing(.less), "lt": comparing(.less), "lessthan": comparing(.less),
    "<=": comparing(.lessOrEqual), "le": comparing(.lessOrEqual),
    "in": comparing(.contained),
    "sameas": { (renderer, value, arguments) throws(TemplateError) in
      renderer.isSame(value, try arguments.bind("test", ["other"], required: 1)[0] ?? .null)
    },
    "odd": remainder(2, 1), "even": remainder(2, 0), "divisibleby": remainder(nil, 0),
  ]
}

extension TemplateRenderer {
  func test(_ name: String, _ value: TemplateValue, _ arguments: CallArguments) throws(TemplateError) -> Bool
  {
    guard let test = TemplateTests.all[name] else {
      throw TemplateError(.value, "No test named '\(name)' found.")
    }
    return try test(self, value, arguments)
  }
}
