/// Why something cannot be planned: one sentence with the offending value, what is allowed and what to do.
package struct PlanningError: Error, Hashable, CustomStringConvertible {
  package let sentence: String

  package init(_ sentence: String) {
    self.sentence = sentence
  }

  package var description: String { sentence }
}
