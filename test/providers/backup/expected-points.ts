const day = 86_400;

/** The points that the rules mean, by another way than the programs': the last of every day, week, month and year. */
export function expected(times: number[], keep: { [what: string]: number }): number[] {
  const name: { [what: string]: (time: number) => string } = {
    last: String,
    days: (time) => new Date(time * 1000).toISOString().slice(0, 10),
    weeks: (time) => String(Math.floor((time / day + 3) / 7)),
    months: (time) => new Date(time * 1000).toISOString().slice(0, 7),
    years: (time) => new Date(time * 1000).toISOString().slice(0, 4),
  };
  return Object.entries(keep).flatMap(([what, many]) => {
    const lastOf = new Map(times.map((time) => [name[what]!(time), time]));
    return [...lastOf.values()].slice(-many);
  });
}
