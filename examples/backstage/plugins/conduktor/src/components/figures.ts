const whole = new Intl.NumberFormat('en');

/** 18,234,551; a dash for what Console has not counted yet. */
export const count = (n?: number) => (n === undefined ? '–' : whole.format(n));

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Bytes in the unit that leaves up to four digits. */
export function size(bytes?: number): string {
  if (bytes === undefined) {
    return '–';
  }
  const unit = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1);
  const value = bytes / 1024 ** unit;
  return `${value.toFixed(unit > 0 && value < 100 ? 1 : 0)} ${units[unit]}`;
}

/** Seconds in the largest unit that fits: 9 s, 25 min, 3 h, 7 d. */
export function duration(seconds?: number): string {
  if (seconds === undefined) {
    return '–';
  }
  for (const [name, length] of [['d', 86400], ['h', 3600], ['min', 60]] as const) {
    if (seconds >= length) {
      return `${Math.round(seconds / length)} ${name}`;
    }
  }
  return `${seconds} s`;
}

/** Messages a second. */
export const rate = (n?: number) => (n === undefined ? '–' : `${whole.format(n)}/s`);
