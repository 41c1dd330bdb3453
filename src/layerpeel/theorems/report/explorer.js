// The two-group optimum, an explicit curve in rho = log r_B; numerics/layer_peeled/_two_groups_curve.py derives it.
const { abs, exp, expm1, log, log1p, sqrt, min, max } = Math;
const CAP = 500; // e^x - 1 is e^x beyond

function optimum(A, B, tau, rho, collapses) {
  const K = A + B, grown = expm1(rho), rootB = 1 + grown, lift = (K / B) * grown * (2 + grown), ratio = sqrt(1 + lift);
  const spread = lift / (1 + rootB * ratio), spreadB = (K / B) * grown;
  const marginA = log1p(spread), marginB = log1p(spreadB);
  const shareA = ratio / ((1 + spread) * K * rootB), shareB = (1 + spreadB) / (K * rootB);
  const pull = (A - 1) * ratio + rootB, largest = B * marginB;
  const free = collapses ? largest : max((tau - (A - 1) * A * marginA) / pull, 0), between = min(free, largest);
  const b = ((free - between) * pull) / (pull + B - 1), total = b + between, rise = (lift / (1 + ratio)) * total;
  const ahead = rise + A * marginA + between;
  const inShares = rise + (A - 1) * marginA + between - marginB + 0.5 * log1p(lift);
  const kept = exp(-b), lost = -expm1(-b), beyond = ahead - min(ahead, CAP);
  const excess = shareB * lost * expm1(inShares - beyond) + shareA * kept * expm1(ahead - beyond);
  const below = free >= largest ? 0 : rho - log1p((B / K) * expm1(between / B));
  return {
    logImbalance: beyond + log1p(excess / (kept + shareB * lost)) + below, b, s: rootB * total, shareA,
    needed: (A - 1) * A * marginA + pull * largest, // the radius whose threshold lies at this rho
  };
}

function root(grows, lower, upper) { // of an increasing function, to neighbouring doubles
  for (;;) {
    const middle = 0.5 * (lower + upper);
    if (middle <= lower || middle >= upper) return middle;
    if (grows(middle) < 0) lower = middle; else upper = middle;
  }
}

function radius(A, B, featureEnergy, weightEnergy) {
  if (!(Number.isInteger(A) && Number.isInteger(B) && A >= 1 && B >= 1)) throw RangeError("Numbers of classes are whole and at least 1.");
  if (!(featureEnergy > 0 && weightEnergy > 0 && featureEnergy < Infinity && weightEnergy < Infinity))
    throw RangeError("Energies are positive numbers.");
  return (A + B) * sqrt(featureEnergy) * sqrt(weightEnergy);
}

const collapsePlace = (A, B, tau) => root((rho) => optimum(A, B, tau, rho).needed - tau, 0, 1 + log1p(tau / B));

function vanishingPlace(A, B, tau) { // Infinity where there is none
  const drop = A > 1 ? -(A / (A + B)) * expm1(-tau / (A - 1) / A) : 1, both = drop * (2 - drop), room = A - (A + B) * both;
  return A > 1 && room > 0 ? 0.5 * log1p((B * both) / room) : Infinity;
}

function threshold(majority, minority, featureEnergy, weightEnergy = 1) {
  const A = majority, B = minority, tau = radius(A, B, featureEnergy, weightEnergy), last = vanishingPlace(A, B, tau);
  const logCollapse = B > 1 ? optimum(A, B, tau, collapsePlace(A, B, tau), true).logImbalance : null;
  let logVanishing = null;
  if (last < Infinity) {
    const a = tau / (A - 1), capped = min(a, CAP);
    logVanishing = last + log1p(optimum(A, B, tau, last).shareA * expm1(capped)) + (a - capped);
  }
  const value = (logarithm) => (logarithm === null ? null : exp(logarithm));
  return { collapse: value(logCollapse), logCollapse, vanishing: value(logVanishing), logVanishing };
}

// (b, s) are singular values inside the minority and between the groups
const cosine = (A, B, { b, s }) => ((s * A) / (A + B) - b) / ((s * A) / (A + B) + b * (B - 1));

function minorityCosine(majority, minority, imbalance, featureEnergy, weightEnergy = 1) {
  const A = majority, B = minority, tau = radius(A, B, featureEnergy, weightEnergy);
  if (!(imbalance >= 1 && imbalance < Infinity)) throw RangeError("An imbalance is a number, and at least 1.");
  const { logCollapse, logVanishing } = threshold(A, B, featureEnergy, weightEnergy), logR = log(imbalance);
  if (B < 2 || (logVanishing !== null && logR >= logVanishing)) return null;
  if (logR >= logCollapse) return 1;
  return cosine(A, B, optimum(A, B, tau, root((rho) => optimum(A, B, tau, rho).logImbalance - logR, 0, collapsePlace(A, B, tau))));
}

window.layerpeel = { threshold, minorityCosine };
