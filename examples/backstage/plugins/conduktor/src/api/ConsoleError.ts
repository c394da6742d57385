/** Says which of Console's answers was not a success, in Console's own words. */
export class ConsoleError extends Error {
  readonly name = 'ConsoleError';

  constructor(
    /** HTTP status */
    readonly status: number,
    /** the sort of refusal, the same for every answer of that status */
    readonly title: string,
    /** what was wrong with this call: for a 403, the permission that is missing */
    readonly detail?: string,
    /** why, where the server gives a reason; mockduktor does for 401 and 403 */
    readonly reason?: string,
  ) {
    super(detail ? `${title}: ${detail}` : title);
  }

  /**
   * Reads the error body {title, msg, cause}. Backstage's proxy drops response
   * headers, so the body is the one place where a refusal explains itself.
   */
  static async from(response: Response): Promise<ConsoleError> {
    const text = await response.text();
    try {
      const { title, msg, cause } = JSON.parse(text);
      if (typeof title === 'string') {
        return new ConsoleError(response.status, title, msg, cause === msg ? undefined : cause);
      }
    } catch {
      // Proxies in between, and some of Console's older calls, answer plain text.
    }
    return new ConsoleError(response.status, `Answer ${response.status}`, text.slice(0, 500));
  }
}
