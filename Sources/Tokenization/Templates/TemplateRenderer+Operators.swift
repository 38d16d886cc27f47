internal import Glibc

/// Arithmetic with the results of Python.
extension TemplateRenderer {
  func apply(_ unary: UnaryOperator, _ value: TemplateValue) throws(TemplateError) -> TemplateValue {
    if unary == .not { return .bool(!value.isTrue) }
    switch value {
    case .undefined(let undefined): throw undefined.error
    case .float(let number): return .float(unary == .negate ? -number : number)
    default:
      guard let number = value.integer else {
        throw TemplateError(
          .value, "bad operand type for unary \(unary == .negate ? "-" : "+"): '\(value.typeName)'")
      }
      return .int(unary == .negate ? try checked(0.subtractingReportingOverflow(number)) : number)
    }
  }

  func apply(_ binary: BinaryOperator, _ left: TemplateValue, _ right: TemplateValue) throws(TemplateError)
    -> TemplateValue
  {
    if case .modulo = binary, case .text(let format) = left {
      return .text(try percentFormat(format, right))
    }
    for value in [left, right] { if case .undefined(let undefined) = value { throw undefined.error } }
    if let a = left.integer, let b = right.integer { return try integerOperation(binary, a, b) }
    if let a = left.number, let b = right.number { return try floatOperation(binary, a, b) }
    switch (binary, left, right) {
    case (.add, .text(let a), .text(let b)):
      try allocate(bytes: a.utf8.count + b.utf8.count)
      guard a.isMarkup || b.isMarkup else { return .text(a + b) }
      var joined = (a.isMarkup ? a : a.escaped()) + (b.isMarkup ? b : b.escaped())
      joined.isMarkup = true
      return .text(joined)
    case (.add, .list(let a), .list(let b)): return try list(a.items + b.items)
    case (.add, .tuple(let a), .tuple(let b)): return .tuple(try sequence(a.items + b.items))
    case (.multiply, _, _):
      if let count = right.integer, let result = try repeated(left, count) { return result }
      if let count = left.integer, let result = try repeated(right, count) { return result }
    case (.add, .text, _):
      throw TemplateError(.value, "can only concatenate str (not \"\(right.typeName)\") to str")
    case (.add, .list, _):
      throw TemplateError(.value, "can only concatenate list (not \"\(right.typeName)\") to list")
    default: break
    }
    throw TemplateError(
      .value,
      "unsupported operand type(s) for \(binary == .power ? "** or pow()" : binary.rawValue): '\(left.typeName)' and '\(right.typeName)'"
    )
  }

  private func repeated(_ value: TemplateValue, _ count: Int) throws(TemplateError) -> TemplateValue? {
    let count = max(0, count)
    func total(_ size: Int) throws(TemplateError) -> Int {
      let (product, overflow) = size.multipliedReportingOverflow(by: count)
      return overflow ? Int.max / 2 : product
    }
    switch value {
    case .text(let text):
      let size = try total(text.utf8.count)
      try allocate(bytes: size)
      var bytes: [UInt8] = []
      bytes.reserveCapacity(size)
      if size > 0 { for _ in 0..<count { bytes += text.utf8 } }
      var result = TemplateText(utf8: bytes)
      result.isMarkup = text.isMarkup
      return .text(result)
    case .list(let sequence), .tuple(let sequence):
      let size = try total(sequence.items.count)
      try allocate(bytes: try total(sequence.items.count * 32))
      var items: [TemplateValue] = []
      if size > 0 { for _ in 0..<count { items += sequence.items } }
      if case .list = value { return try list(items) }
      return .tuple(try self.sequence(items))
    default: return nil
    }
  }

  private func checked(_ result: (partialValue: Int, overflow: Bool)) throws(TemplateError) -> Int {
    guard !result.overflow else {
      throw TemplateError(.value, "the result of an operation on integers does not fit 64 bits")
    }
    return result.partialValue
  }

  private func integerOperation(_ binary: BinaryOperator, _ a: Int, _ b: Int) throws(TemplateError)
    -> TemplateValue
  {
    switch binary {
    case .add: return .int(try checked(a.addingReportingOverflow(b)))
    case .subtract: return .int(try checked(a.subtractingReportingOverflow(b)))
    case .multiply: return .int(try checked(a.multipliedReportingOverflow(by: b)))
    case .divide:
      guard b != 0 else { throw TemplateError(.value, "division by zero") }
      return .float(Double(a) / Double(b))
    case .floorDivide, .modulo:
      guard b != 0 else { throw TemplateError(.value, "integer division or modulo by zero") }
      let quotient = try checked(a.dividedReportingOverflow(by: b))
      let remainder = a - quotient * b
      let isBelow = remainder != 0 && (remainder < 0) != (b < 0)
      if binary == .modulo { return .int(isBelow ? remainder + b : remainder) }
      return .int(isBelow ? quotient - 1 : quotient)
    case .power:
      guard b >= 0 else {
        guard a != 0 else { throw TemplateError(.value, "0.0 cannot be raised to a negative power") }
        return .float(pow(Double(a), Double(b)))
      }
      var result = 1
      var base = a
      var exponent = b
      while exponent > 0 {
        if exponent & 1 == 1 { result = try checked(result.multipliedReportingOverflow(by: base)) }
        exponent >>= 1
        if exponent > 0 { base = try checked(base.multipliedReportingOverflow(by: base)) }
      }
      return .int(result)
    }
  }

  private func floatOperation(_ binary: BinaryOperator, _ a: Double, _ b: Double) throws(TemplateError)
    -> TemplateValue
  {
    switch binary {
    case .add: return .float(a + b)
    case .subtract: return .float(a - b)
    case .multiply: return .float(a * b)
    case .divide:
      guard b != 0 else { throw TemplateError(.value, "float division by zero") }
      return .float(a / b)
    case .floorDivide, .modulo:
      guard b != 0 else {
        throw TemplateError(.value, binary == .modulo ? "float modulo" : "float floor division by zero")
      }
      let (quotient, remainder) = Self.dividedWithFloor(a, b)
      return .float(binary == .modulo ? remainder : quotient)
    case .power:
      if a == 0, b < 0 { throw TemplateError(.value, "0.0 cannot be raised to a negative power") }
      let result = pow(a, b)
      if result.isNaN, !a.isNaN, !b.isNaN {
        throw TemplateError(
          .value, "the power of a negative number to a fraction is complex, which templates cannot use")
      }
      if result.isInfinite, !a.isInfinite, !b.isInfinite {
        throw TemplateError(.value, "(34, 'Numerical result out of range')")
      }
      return .float(result)
    }
  }

  /// Floor division and modulo of floats: the remainder has the sign of the divisor.
  private static func dividedWithFloor(_ a: Double, _ b: Double) -> (Double, Double) {
    var remainder = fmod(a, b)
    var quotient = (a - remainder) / b
    if remainder != 0 {
      if (b < 0) != (remainder < 0) {
        remainder += b
        quotient -= 1
      }
    } else {
      remainder = b < 0 ? -0.0 : 0.0
    }
    guard quotient != 0 else { return ((a / b).sign == .minus ? -0.0 : 0.0, remainder) }
    var floored = quotient.rounded(.down)
    if quotient - floored > 0.5 { floored += 1 }
    return (floored, remainder)
  }
}
