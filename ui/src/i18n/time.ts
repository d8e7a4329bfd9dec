const timeOfDay = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const fullDate = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const dayAndMonth = new Intl.DateTimeFormat(undefined, {
  weekday: "long",
  day: "numeric",
  month: "long",
});
const dayOfYear = new Intl.DateTimeFormat(undefined, { dateStyle: "long" });

/** The time next to a message. `at` in milliseconds since 1970, as everywhere here. */
export function shortTime(at: number): string {
  return timeOfDay.format(at);
}

/** The moment of a message, to the second. */
export function fullTime(at: number): string {
  return fullDate.format(at);
}

/** A number that is the same for moments of the same day here. */
export function dayOf(at: number): number {
  const date = new Date(at);
  return (date.getFullYear() * 12 + date.getMonth()) * 31 + date.getDate() - 1;
}

/** The name of a day, as seen from `now`. */
export function dayName(at: number, now: number): string {
  const day = dayOf(at);
  if (day === dayOf(now)) return "Today";
  const yesterday = new Date(now);
  yesterday.setDate(yesterday.getDate() - 1);
  if (day === dayOf(yesterday.getTime())) return "Yesterday";
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return (sameYear ? dayAndMonth : dayOfYear).format(at);
}

/** A wait, as it counts down. */
export function countdown(seconds: number): string {
  if (seconds < 90) return seconds === 1 ? "1 second" : `${seconds} seconds`;
  return `${Math.round(seconds / 60)} minutes`;
}
