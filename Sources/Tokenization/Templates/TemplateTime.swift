/// A reading of the wall clock, as `strftime_now` sees it: local time without a zone.
package struct TemplateTime: Sendable {
  let year: Int
  let month: Int
  let day: Int
  let hour: Int
  let minute: Int
  let second: Int
  let microsecond: Int
  /// Of local time to UTC.
  let utcOffsetSeconds: Int

  /// From the seconds since 1970-01-01 00:00 UTC and the offset of local time to UTC.
  package init(secondsSince1970 seconds: Int, utcOffsetSeconds: Int = 0, microsecond: Int = 0) {
    let bounded = min(max(seconds, -60_000_000_000), 250_000_000_000) + utcOffsetSeconds
    let (days, rest) = Self.floorDivide(bounded, 86_400)
    (year, month, day) = Self.date(daysSince1970: days)
    hour = rest / 3600
    minute = rest / 60 % 60
    second = rest % 60
    self.microsecond = microsecond
    self.utcOffsetSeconds = utcOffsetSeconds
  }

  /// From `2026-03-04T17:06:07`, with or without a time, a fraction of a second or a zone (which is not applied).
  package init?(iso8601 text: String) {
    let fields = text.utf8.split { !($0 >= 0x30 && $0 <= 0x39) }.map {
      Int(String(decoding: $0, as: UTF8.self))
    }
    func field(_ index: Int) -> Int? { index < fields.count ? fields[index] : index < 3 ? nil : 0 }
    guard let year = field(0), let month = field(1), let day = field(2), let hour = field(3),
      let minute = field(4), let second = field(5), (1...9999).contains(year), (1...12).contains(month),
      (1...Self.days(inMonth: month, of: year)).contains(day), (0...23).contains(hour),
      (0...59).contains(minute),
      (0...59).contains(second)
    else { return nil }
    self.year = year
    self.month = month
    self.day = day
    self.hour = hour
    self.minute = minute
    self.second = second
    let pointed = text.utf8.split(separator: UInt8(ascii: "."), maxSplits: 1)
    let fraction = pointed.count == 2 ? pointed[1].prefix { $0 >= 0x30 && $0 <= 0x39 }.prefix(6) : []
    let digits = String(decoding: fraction, as: UTF8.self)
    utcOffsetSeconds = 0
    microsecond = Int(digits + String(repeating: "0", count: 6 - digits.utf8.count)) ?? 0
  }

  private static func floorDivide(_ a: Int, _ b: Int) -> (Int, Int) {
    let remainder = ((a % b) + b) % b
    return ((a - remainder) / b, remainder)
  }

  private static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

  private static func days(inMonth month: Int, of year: Int) -> Int {
    month == 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
  }

  /// Civil date of a day number (Howard Hinnant's algorithm: eras of 400 years that start in March).
  private static func date(daysSince1970 days: Int) -> (Int, Int, Int) {
    let (era, dayOfEra) = floorDivide(days + 719_468, 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
  }

  /// Day of the year from 1.
  var dayOfYear: Int { (1..<month).reduce(day) { $0 + Self.days(inMonth: $1, of: year) } }

  /// Of UTC.
  var secondsSince1970: Int {
    let past = year - 1
    let days = past * 365 + past / 4 - past / 100 + past / 400 + dayOfYear - 719_163
    return ((days * 24 + hour) * 60 + minute) * 60 + second - utcOffsetSeconds
  }

  /// Sunday is 0 (Zeller's congruence).
  var weekday: Int {
    let m = month < 3 ? month + 12 : month
    let y = month < 3 ? year - 1 : year
    return (day + 13 * (m + 1) / 5 + y + y / 4 - y / 100 + y / 400 + 6) % 7
  }

  /// Year and week by ISO 8601.
  var isoWeek: (year: Int, week: Int) {
    let monday = (weekday + 6) % 7
    let week = (dayOfYear - 1 - monday + 10) / 7
    if week < 1 { return (year - 1, Self.weeks(in: year - 1)) }
    return week > Self.weeks(in: year) ? (year + 1, 1) : (year, week)
  }

  private static func weeks(in year: Int) -> Int {
    func p(_ y: Int) -> Int { (y + y / 4 - y / 100 + y / 400) % 7 }
    return p(year) == 4 || p(year - 1) == 3 ? 53 : 52
  }
}
