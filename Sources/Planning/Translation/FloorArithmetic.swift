extension Int {
  /// The quotient rounded towards minus infinity, as Python's `//`; `divisor` must be positive.
  func floorDivided(by divisor: Int) -> Int {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
  }

  /// The remainder with the sign of `divisor`, as Python's `%`; `divisor` must not be zero.
  func floorRemainder(dividingBy divisor: Int) -> Int {
    if divisor == -1 { return 0 }
    let remainder = self % divisor
    return remainder != 0 && (remainder < 0) != (divisor < 0) ? remainder + divisor : remainder
  }
}
