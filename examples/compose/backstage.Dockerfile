# The Backstage of examples/backstage, with the hosts of compose.yaml.
FROM node:20-bookworm
ENV PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1
WORKDIR /backstage
COPY examples/backstage ./
COPY examples/compose/app-config.compose.yaml ./
RUN npm ci && npm run build
# The file says localhost, where inside this container nobody answers.
RUN sed -i 's/localhost:8080/mockduktor:8080/' catalog/shop.yaml
USER node
ENV HOST=0.0.0.0
EXPOSE 3000 7007
CMD ["sh", "-c", "npm run app -- --config app-config.yaml & exec npm run backend -- --config app-config.yaml --config app-config.compose.yaml"]
