import Glibc

/// Finds the highest rate at which a condition holds, to 5 %, from whether it held at others.
///
///     1k  2k! 2k  4k  8k!!         doubles until it does not hold, twice in a row
///                 5.66k  6.73k!!   halves the gap, on a scale of ratios
///                 5.66k ×3         confirms; where that fails, 5 % lower, then 10 %, 20 % …
///
/// What fails at once is halved until it holds, or until the rate is too low to be judged. A look
/// is short, so one hiccup of the machine can spoil it: only a second failure counts. A
/// confirmation is as long as the run that was asked for, and gets no second chance. What cannot be
/// judged, because the generator was the limit, is tried three times, and then did not hold. A
/// value: it knows no clock and no server.
struct RateSearch: Equatable {
    /// The gap between the highest rate that holds and the lowest that does not, in the end.
    static let precision = 1.05
    /// How often the rate that was found is to hold again.
    static let confirmationsNeeded = 3
    /// How often a rate is tried that cannot be judged.
    private static let triesUnjudged = 3
    /// No generator goes further.
    private static let highest = 1e8

    enum State: Equatable {
        /// This rate is to be tried.
        case trying(Double)
        /// This rate is to be tried again, at full length.
        case confirming(Double)
        /// It is over; nil when the condition held nowhere.
        case found(Double?)
    }

    private(set) var state: State
    /// Lower rates give too few samples.
    private let lowest: Double
    private var held: Double?
    private var failed: Double?
    /// Whether the rate that is to be tried has failed once.
    private var isDoubted = false
    /// How often in a row it could not be judged.
    private var unjudged = 0
    private var confirmations = 0
    private var falls = 0

    init(from start: Double, lowest: Double) {
        self.lowest = lowest
        state = .trying(max(start, lowest))
    }

    /// Takes whether the condition held at the rate that was to be tried; nil when that cannot be
    /// judged.
    mutating func note(holds: Bool?) {
        unjudged = holds == nil ? unjudged + 1 : 0
        if (1..<RateSearch.triesUnjudged).contains(unjudged) { return }
        unjudged = 0
        switch state {
        case .trying where holds == false && !isDoubted: isDoubted = true
        case .trying(let rate):
            isDoubted = false
            if holds == true { held = rate } else { failed = rate }
            state = nextTry
        case .confirming(let rate):
            state = holds == true ? confirmed(rate) : fallen(from: rate)
        case .found: break
        }
    }

    private var nextTry: State {
        switch (held, failed) {
        case (let held?, let failed?):
            failed / held > RateSearch.precision
                ? .trying(RateSearch.rounded((held * failed).squareRoot())) : .confirming(held)
        case (let held?, nil):
            held * 2 <= RateSearch.highest ? .trying(held * 2) : .confirming(held)
        case (nil, let failed?): failed / 2 >= lowest ? .trying(failed / 2) : .found(nil)
        case (nil, nil): state
        }
    }

    private mutating func confirmed(_ rate: Double) -> State {
        confirmations += 1
        return confirmations == RateSearch.confirmationsNeeded ? .found(rate) : .confirming(rate)
    }

    private mutating func fallen(from rate: Double) -> State {
        confirmations = 0
        // What held in a short look is there somewhere: each step down is twice as long.
        let step = pow(RateSearch.precision, Double(1 << min(falls, 10)))
        falls += 1
        let lower = RateSearch.rounded(rate / step)
        return lower >= lowest ? .confirming(lower) : .found(nil)
    }

    /// Three digits, which is finer than the precision.
    private static func rounded(_ rate: Double) -> Double {
        var step = 1.0
        while rate / step >= 1000 { step *= 10 }
        while rate / step < 100 { step /= 10 }
        return (rate / step).rounded() * step
    }
}
