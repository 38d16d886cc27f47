/// A template as it runs: statements and expressions with their variables resolved to places.
///
/// The parser makes these with `.name` for every variable; `ScopeResolver` replaces each by a `.local`.
indirect enum TemplateExpression: Sendable {
  case null
  case bool(Bool)
  case int(Int)
  case float(Double)
  case text(TemplateText)
  case name(String, line: Int)
  case local(VariablePlace)
  case list([TemplateExpression])
  case tuple([TemplateExpression])
  case dict([(key: TemplateExpression, value: TemplateExpression)])
  case attribute(TemplateExpression, TemplateText, line: Int)
  case item(TemplateExpression, TemplateExpression, line: Int)
  case slice(TemplateExpression, TemplateSlice, line: Int)
  case call(TemplateExpression, TemplateArguments, line: Int)
  case filter(TemplateExpression, String, TemplateArguments, line: Int)
  case test(TemplateExpression, String, TemplateArguments, line: Int)
  case unary(UnaryOperator, TemplateExpression)
  case binary(BinaryOperator, TemplateExpression, TemplateExpression, line: Int)
  case and(TemplateExpression, TemplateExpression)
  case or(TemplateExpression, TemplateExpression)
  case concatenation([TemplateExpression])
  case comparison(TemplateExpression, [(ComparisonOperator, TemplateExpression)], line: Int)
  case conditional(test: TemplateExpression, TemplateExpression, otherwise: TemplateExpression?)
  /// The text a filter block has captured.
  case captured
}

struct TemplateSlice: Sendable {
  var start: TemplateExpression?
  var stop: TemplateExpression?
  var step: TemplateExpression?
}

struct TemplateArguments: Sendable {
  var positional: [TemplateExpression] = []
  var keywords: [(name: String, value: TemplateExpression)] = []
  var spread: TemplateExpression?
  var keywordSpread: TemplateExpression?
}

enum UnaryOperator: Sendable { case not, negate, plus }

enum BinaryOperator: String, Sendable {
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case divide = "/"
  case floorDivide = "//"
  case modulo = "%"
  case power = "**"
}

enum ComparisonOperator: String, Sendable {
  case equal = "=="
  case notEqual = "!="
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="
  case contained = "in"
  case notContained = "not in"
}

/// Where a variable lives: `hops` function calls outwards, then a place there.
struct VariablePlace: Sendable {
  let hops: Int
  let index: Int
  let name: String
}

/// What is assigned to.
indirect enum TemplateTarget: Sendable {
  case name(String, line: Int)
  case local(VariablePlace)
  case member(TemplateExpression, TemplateText)
  case tuple([TemplateTarget])
}

indirect enum TemplateStatement: Sendable {
  case text(TemplateText)
  case output(TemplateExpression, line: Int)
  case assign(TemplateTarget, TemplateExpression, line: Int)
  case assignBlock(TemplateTarget, filter: TemplateExpression?, TemplateBody, line: Int)
  case condition([(test: TemplateExpression, body: TemplateBody)], otherwise: TemplateBody, line: Int)
  case loop(LoopStatement)
  case macro(TemplateTarget, FunctionBody, line: Int)
  case callBlock(call: TemplateExpression, FunctionBody, line: Int)
  case generation(FunctionBody, line: Int)
  case filterBlock(TemplateExpression, TemplateBody, line: Int)
  case with([(target: TemplateTarget, value: TemplateExpression)], TemplateBody, line: Int)
  case breakLoop(line: Int)
  case continueLoop(line: Int)
  /// A statement that is valid Jinja but has no meaning without other templates; an error when reached.
  case refused(String, line: Int)
}

/// Statements with the variables of their scope.
struct TemplateBody: Sendable {
  var statements: [TemplateStatement] = []
  var scope = ScopeEntry()
}

/// What happens to the variables of a scope when it is entered; they all vanish when it is left.
struct ScopeEntry: Sendable {
  enum Load: Sendable {
    /// From the variables of the rendering.
    case context(String)
    /// The value an outer scope has for it.
    case alias(VariablePlace)
    case unset
  }

  var loads: [(place: Int, load: Load)] = []
  /// Every place of the scope.
  var places: [Int] = []
}

struct LoopStatement: Sendable {
  var target: TemplateTarget
  var iterable: TemplateExpression
  var filter: LoopFilter?
  var isRecursive: Bool
  var body: TemplateBody
  var otherwise: TemplateBody
  var line: Int
  /// Where the loop's own variable `loop` lives, when its body uses it.
  var loopPlace: Int?
  /// Places of the loop as a function; only for a recursive loop.
  var placeCount = 0
}

/// The condition of `for x in y if condition`: a function of its own.
struct LoopFilter: Sendable {
  var target: TemplateTarget
  var condition: TemplateExpression
  var scope = ScopeEntry()
  var placeCount = 0
}

/// Body and parameters of a macro or a call block.
struct FunctionBody: Sendable {
  var name: String?
  var parameters: [String]
  var defaults: [TemplateExpression]
  var body: TemplateBody
  var line: Int
  var parameterPlaces: [Int] = []
  var callerPlace: Int?
  var keywordsPlace: Int?
  var positionalsPlace: Int?
  var placeCount = 0
}
