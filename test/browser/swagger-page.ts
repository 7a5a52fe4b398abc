import type { BrowserContext, Locator, Page } from 'playwright-core';

/** Page object of the Swagger UI of one service. */
export class SwaggerPage {
  private constructor(
    private readonly context: BrowserContext,
    private readonly page: Page,
  ) {}

  static async open(context: BrowserContext, url: string): Promise<SwaggerPage> {
    const page = await context.newPage();
    await page.goto(url);
    await page.waitForSelector('.opblock');
    return new SwaggerPage(context, page);
  }

  /** Authorizes with the client credentials flow. */
  async authorizeClient(secret: string): Promise<void> {
    const box = await this.authorization('client_credentials', secret);
    await box.locator('button.authorize').click();
    await this.untilAuthorized('client_credentials');
  }

  /** Authorizes with the authorization code flow: logs in at the issuer, in a separate window. */
  async logIn(secret: string, name: string): Promise<void> {
    const box = await this.authorization('authorization_code', secret);
    const opened = this.context.waitForEvent('page');
    await box.locator('button.authorize').click();
    const login = await opened;
    await login.fill('input[name=name]', name);
    await login.click('button[type=submit]');
    await this.untilAuthorized('authorization_code');
  }

  /**
   * Executes a route with "Try it out".
   * @param path the path as Swagger UI shows it
   * @param values parameter values by name, and the `body`
   * @returns the status and the body of the response
   */
  async execute(
    method: string,
    path: string,
    values: Readonly<Record<string, string>>,
  ): Promise<{ status: string; body: unknown }> {
    const route = this.page.locator(`.opblock-${method}`, { has: this.page.locator(`[data-path="${path}"]`) });
    await route.locator('.opblock-summary').click();
    await route.locator('.try-out__btn').click();
    for (const [name, value] of Object.entries(values)) {
      const field = name === 'body' ? route.locator('textarea') : route.locator(`tr[data-param-name="${name}"] input`);
      await field.first().fill(value);
    }
    await route.locator('button.execute').click();
    const answer = route.locator('.live-responses-table .response').first();
    const status = (await answer.locator('.response-col_status').innerText()).trim();
    const text = await answer.locator('.highlight-code code').first().innerText();
    return { status: status.split(/\s/)[0] ?? '', body: JSON.parse(text) };
  }

  private async authorization(flow: string, secret: string): Promise<Locator> {
    await this.page.click('.scheme-container button.authorize');
    const box = this.page.locator('.auth-container', { has: this.page.locator(`#client_secret_${flow}`) });
    await box.locator(`#client_secret_${flow}`).fill(secret);
    return box;
  }

  private async untilAuthorized(flow: string): Promise<void> {
    const box = this.page.locator('.auth-container', { hasText: flow }).first();
    await box.getByText('Logout').waitFor();
    await this.page.locator('.close-modal').click();
  }
}
