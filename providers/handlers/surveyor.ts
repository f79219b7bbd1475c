/**
 * A look at one host that many ask for at a time. The questions that come while a survey is made share the next, so that
 * each is answered by a survey that began after it was asked.
 */
class Surveyor<Host, Survey> {
  private running?: Promise<Survey>;
  private next?: Promise<Survey>;

  constructor(private readonly look: (host: Host) => Promise<Survey>) {}

  survey(host: Host): Promise<Survey> {
    if (this.next) return this.next;
    if (!this.running) return this.start(host);
    const again = () => {
      this.next = undefined;
      return this.start(host);
    };
    return (this.next = this.running.then(again, again));
  }

  private start(host: Host): Promise<Survey> {
    const survey = this.look(host).finally(() => {
      if (this.running === survey) this.running = undefined;
    });
    return (this.running = survey);
  }
}

/** The look, shared by all who ask for the same host at a time; `key` tells hosts apart. */
export function shared<Host, Survey>(
  look: (host: Host) => Promise<Survey>,
  key: (host: Host) => string,
): (host: Host) => Promise<Survey> {
  const surveyors = new Map<string, Surveyor<Host, Survey>>();
  return (host) => {
    const surveyor = surveyors.get(key(host)) ?? new Surveyor(look);
    surveyors.set(key(host), surveyor);
    return surveyor.survey(host);
  };
}
